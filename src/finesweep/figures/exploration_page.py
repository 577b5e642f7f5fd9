"""The page that shows a dataset: findings, tables, pictures and examples in one HTML file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from finesweep.figures.fonts import MISSING, drawable
from finesweep.figures.page import document, escaped, folded, picture, table

N_ROWS = 20
"""Row numbers told of a finding; findings.json has all."""
N_OPEN = 3
"""Classes whose numbers and phrases are unfolded at once."""


def exploration_page(
    made: Mapping[str, Any],
    findings: Sequence[Mapping[str, Any]],
    pictures: Mapping[str, bytes],
) -> str:
    """One self-contained page. made and findings are explore.json and findings.json; pictures are
    PNGs by the names that they are logged under, without suffix."""
    title = f"{made['name']}: the dataset"
    n_classes = len(made["examples"])
    parts = [
        f"<h1>{escaped(title)}</h1>",
        *(f"<p>{escaped(note)}</p>" for note in made["data_notes"]),
        "<h2>Findings</h2>",
        _findings(findings),
        "<h2>Rows and classes</h2>",
        _balance(made["splits"]),
        picture(pictures["balance"], "share of each class in each split"),
        "<h2>How long the texts are</h2>",
        picture(pictures["lengths"], "histograms of lengths by class"),
        folded("in numbers", _lengths(made["lengths"]), is_open=n_classes <= N_OPEN),
        "<h2>What max_length cuts</h2>",
        f"<p>The share of texts that lose tokens, {made['special_tokens']} special tokens"
        f" counted; tokens of {escaped(made['model'])}.</p>",
        picture(pictures["cut"], "share of texts cut, by max_length"),
        folded("in numbers", [_cuts(made["cut"])], is_open=n_classes <= N_OPEN),
        "<h2>What the texts say</h2>",
        *(f"<p>{escaped(note)}</p>" for note in [*made["notes"], *_boxes(made)]),
        picture(pictures["clouds"], "word clouds by class"),
        *(picture(pictures[name], f"commonest {name} by class") for name in made["phrases"]),
        *_phrases(made["phrases"]),
        "<h2>Random examples of train</h2>",
        _examples(made["examples"]),
    ]
    return document(title, parts)


def told_rows(rows: Sequence[Sequence[Any]], n_told: int) -> str:
    """`train 3, 17; test 4 and 12 more`: the first n_told row numbers, by split."""
    by_split: dict[str, list[str]] = {}
    for split, row in rows[:n_told]:
        by_split.setdefault(split, []).append(f"{row}")
    listed = "; ".join(f"{split} {', '.join(each)}" for split, each in by_split.items())
    n_more = len(rows) - n_told
    return f"{listed} and {n_more:,} more" if n_more > 0 else listed


def told_number(value: float | None) -> str:
    """Whole from a hundred on, else with at most one decimal; a dash for None."""
    if value is None:
        return "–"
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}".removesuffix(".0")


def told_share(value: float | None) -> str:
    """In percent, with one decimal; a dash for None."""
    return "–" if value is None else f"{value:.1%}"


def _boxes(made: Mapping[str, Any]) -> list[str]:
    """What a box in a picture means, where there is one."""
    phrases = [
        each["text"] for kind in made["phrases"].values() for top in kind.values() for each in top
    ]
    texts = [*made["examples"], *phrases]
    boxed = any(MISSING in drawable(text, len(text)) for text in texts)
    return [f"in pictures, {MISSING} is a letter that their font lacks"] if boxed else []


def _findings(findings: Sequence[Mapping[str, Any]]) -> str:
    if not findings:
        return "<p>The checks found nothing.</p>"
    rows = [
        (each["severity"], each["message"], told_rows(each["rows"], N_ROWS)) for each in findings
    ]
    return table(("severity", "finding", "rows"), rows)


def _balance(splits: Mapping[str, Any]) -> str:
    names = next(iter(splits.values()))["classes"]
    rows = [("all", *(f"{each['rows']:,}" for each in splits.values()))]
    for name in names:
        counts = [(each["classes"][name], each["rows"]) for each in splits.values()]
        rows.append((name, *(f"{n:,} ({n / total:.1%})" for n, total in counts)))
    return table(("class", *splits), rows, n_texts=1)


def _lengths(lengths: Mapping[str, Any]) -> Iterator[str]:
    """A table for each measure: all of each split, then train's classes."""
    for measure in lengths["train"]:
        told = [(f"all of {split}", each[measure]["all"]) for split, each in lengths.items()]
        told += list(lengths["train"][measure]["classes"].items())
        rows = [(name, *(map(told_number, (one or _NONE).values()))) for name, one in told]
        yield f"<h3>{escaped(measure)}</h3>"
        yield table(("class of train", "mean", "median", "p95", "max"), rows, n_texts=1)


_NONE = dict.fromkeys(("mean", "median", "p95", "maximum"))


def _cuts(cut: Mapping[str, Any]) -> str:
    told = [(f"all of {split}", each["all"]) for split, each in cut.items()]
    told += list(cut["train"]["classes"].items())
    rows = [(name, *map(told_share, shares.values())) for name, shares in told]
    return table(("class of train", *cut["train"]["all"]), rows, n_texts=1)


def _phrases(phrases: Mapping[str, Any]) -> Iterator[str]:
    """For each class a table with its words, bigrams and trigrams side by side."""
    for k, name in enumerate(next(iter(phrases.values()))):
        columns = [kind[name] for kind in phrases.values()]
        rows = [
            [cell for column in columns for cell in _phrase(column, place)]
            for place in range(max(map(len, columns)))
        ]
        headings = [heading for kind in phrases for heading in (kind, "")]
        yield folded(name, [table(headings, rows)], is_open=k < N_OPEN)


def _phrase(top: Sequence[Mapping[str, Any]], place: int) -> tuple[str, str]:
    return (top[place]["text"], f"{top[place]['count']:,}") if place < len(top) else ("", "")


def _examples(examples: Mapping[str, Any]) -> str:
    rows = [(name, each["row"], each["text"]) for name, few in examples.items() for each in few]
    return table(("class", "row", "text"), rows)
