"""The page that shows a dataset: findings, tables, pictures and examples in one HTML file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import chain, zip_longest
from typing import Any

from finesweep.figures.fonts import MISSING, drawable
from finesweep.figures.page import rendered
from finesweep.wording import as_percentage, rounded, row_numbers

N_ROWS = 20
"""Row numbers told of a finding; findings.json has all."""
N_OPEN = 3
"""Classes whose numbers and phrases are unfolded at once."""
Row = tuple[str, ...]


def exploration_page(
    made: Mapping[str, Any],
    findings: Sequence[Mapping[str, Any]],
    pictures: Mapping[str, bytes],
) -> str:
    """One self-contained page. made and findings are explore.json and findings.json; pictures are
    PNGs by the names that they are logged under, without suffix."""
    return rendered(
        "exploration.html.j2",
        made=made,
        pictures=pictures,
        findings=[
            (f["severity"], f["message"], row_numbers(f["rows"], n_shown=N_ROWS)) for f in findings
        ],
        balance=_balance(made["splits"]),
        lengths=_lengths(made["lengths"]),
        cuts=_cuts(made["cut"]),
        notes=[*made["notes"], *_boxes(made)],
        phrases=_phrases(made["phrases"]),
        examples=[
            (name, each["row"], each["text"])
            for name, few in made["examples"].items()
            for each in few
        ],
        phrase_headings=list(chain.from_iterable((kind, "") for kind in made["phrases"])),
        n_unfolded=N_OPEN,
    )


def _boxes(made: Mapping[str, Any]) -> list[str]:
    """What a box in a picture means, where there is one."""
    phrases = [
        each["text"] for kind in made["phrases"].values() for top in kind.values() for each in top
    ]
    texts = [*made["examples"], *phrases]
    boxed = any(MISSING in drawable(text, len(text)) for text in texts)
    return [f"in pictures, {MISSING} is a letter that their font lacks"] if boxed else []


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
    for measure, told in lengths["train"].items():
        named = [(f"all of {split}", each[measure]["all"]) for split, each in lengths.items()]
        named += told["classes"].items()
        tables[measure] = [(name, *map(rounded, (one or unknown).values())) for name, one in named]
    return tables


def _cuts(cut: Mapping[str, Any]) -> list[Row]:
    named = [(f"all of {split}", each["all"]) for split, each in cut.items()]
    named += cut["train"]["classes"].items()
    return [(name, *map(as_percentage, shares.values())) for name, shares in named]


def _phrases(phrases: Mapping[str, Any]) -> dict[str, list[Row]]:
    """For each class its words, bigrams and trigrams side by side, the commonest first."""
    tables = {}
    for name in next(iter(phrases.values())):
        kinds = (kind[name] for kind in phrases.values())
        columns = ([(each["text"], f"{each['count']:,}") for each in kind] for kind in kinds)
        ranks = zip_longest(*columns, fillvalue=("", ""))
        tables[name] = [tuple(chain.from_iterable(rank)) for rank in ranks]
    return tables
