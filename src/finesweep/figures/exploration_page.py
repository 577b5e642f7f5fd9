"""The page of a dataset: findings, tables, figures and examples in one HTML file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import chain, zip_longest
from typing import Any

from finesweep.figures.fonts import MISSING, drawable
from finesweep.figures.page import render_page
from finesweep.wording import as_percentage, rounded, row_numbers

N_ROWS = 20
"""Maximum row numbers of a finding; findings.json has all."""
N_OPEN = 3
"""Classes whose tables are unfolded initially."""
Row = tuple[str, ...]


def exploration_page(
    exploration: Mapping[str, Any],
    findings: Sequence[Mapping[str, Any]],
    pictures: Mapping[str, bytes],
) -> str:
    """One self-contained page. exploration and findings are explore.json and findings.json;
    pictures are PNGs by their artifact name without suffix."""
    return render_page(
        "exploration.html.j2",
        exploration=exploration,
        pictures=pictures,
        findings=[
            (f["severity"], f["message"], row_numbers(f["rows"], n_shown=N_ROWS)) for f in findings
        ],
        balance=_balance(exploration["splits"]),
        lengths=_lengths(exploration["lengths"]),
        cuts=_cuts(exploration["cut"]),
        notes=[*exploration["notes"], *_boxes(exploration)],
        phrases=_phrases(exploration["phrases"]),
        examples=[
            (name, each["row"], each["text"])
            for name, few in exploration["examples"].items()
            for each in few
        ],
        phrase_headings=list(chain.from_iterable((kind, "") for kind in exploration["phrases"])),
        n_unfolded=N_OPEN,
    )


def _boxes(exploration: Mapping[str, Any]) -> list[str]:
    """A note on boxes in figures, if there are any."""
    phrases = [
        each["text"]
        for kind in exploration["phrases"].values()
        for top in kind.values()
        for each in top
    ]
    texts = [*exploration["examples"], *phrases]
    boxed = any(MISSING in drawable(text, len(text)) for text in texts)
    return [f"in figures, {MISSING} is a character that the font lacks"] if boxed else []


def _balance(splits: Mapping[str, Any]) -> list[Row]:
    rows = [("all", *(f"{each['rows']:,}" for each in splits.values()))]
    for name in next(iter(splits.values()))["classes"]:
        counts = [(each["classes"][name], each["rows"]) for each in splits.values()]
        rows.append((name, *(f"{n:,} ({n / total:.1%})" for n, total in counts)))
    return rows


def _lengths(lengths: Mapping[str, Any]) -> dict[str, list[Row]]:
    """Rows for each measure: all of each split, then train's classes."""
    unknown = dict.fromkeys(("mean", "median", "p95", "maximum"))
    tables = {}
    for measure, summary in lengths["train"].items():
        rows_by_name = [
            (f"all of {split}", each[measure]["all"]) for split, each in lengths.items()
        ]
        rows_by_name += summary["classes"].items()
        tables[measure] = [
            (name, *map(rounded, (one or unknown).values())) for name, one in rows_by_name
        ]
    return tables


def _cuts(cut: Mapping[str, Any]) -> list[Row]:
    rows_by_name = [(f"all of {split}", each["all"]) for split, each in cut.items()]
    rows_by_name += cut["train"]["classes"].items()
    return [(name, *map(as_percentage, shares.values())) for name, shares in rows_by_name]


def _phrases(phrases: Mapping[str, Any]) -> dict[str, list[Row]]:
    """Rows for each class: words, bigrams and trigrams side by side, most frequent first."""
    tables = {}
    for name in next(iter(phrases.values())):
        kinds = (kind[name] for kind in phrases.values())
        columns = ([(each["text"], f"{each['count']:,}") for each in kind] for kind in kinds)
        ranks = zip_longest(*columns, fillvalue=("", ""))
        tables[name] = [tuple(chain.from_iterable(rank)) for rank in ranks]
    return tables
