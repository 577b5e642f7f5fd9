"""A dataset on screen: rows, lengths, phrases, examples and findings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

from finesweep.records import Finding
from finesweep.wording import as_percentage, rounded, row_numbers

N_PHRASES = 8
"""Phrases per kind and class; the page has more."""
MAX_CLASSES = 8
"""Classes shown, the most frequent ones."""
N_ROWS = 8
"""Row numbers shown per finding."""
MAX_CHARACTERS = 24
"""Longest class name or phrase shown."""
COLOURS = {"severe": "bold red", "warning": "yellow", "note": "cyan"}


def print_overview(console: Console, numbers: Mapping[str, Any]) -> None:
    """Prints the numbers of explore.json as a few short tables."""
    for note in numbers["data_notes"]:
        _say(console, f"data: {note}")
    classes = _most_frequent(numbers["splits"]["train"]["classes"])
    _print_balance(console, numbers["splits"], classes)
    _print_lengths(console, numbers, classes)
    _print_truncation(console, numbers)
    _print_phrases(console, numbers["phrases"], classes)
    _print_examples(console, numbers["examples"], classes)
    console.print()
    for note in numbers["notes"]:
        _say(console, note)


def print_findings(console: Console, findings: Sequence[Finding]) -> None:
    """Prints each finding with its severity and the first rows it concerns."""
    console.print()
    if not findings:
        console.print("findings: none")
        return
    console.print("findings", style="bold")
    table = _table("", "")
    for finding in findings:
        rows = f"\nrows: {row_numbers(finding.rows, n_shown=N_ROWS)}" if finding.rows else ""
        severity = Text(finding.severity, style=COLOURS[finding.severity])
        table.add_row(severity, Text(finding.message + rows))
    console.print(table)


def _most_frequent(classes: Mapping[str, int]) -> list[str]:
    top = sorted(classes, key=lambda name: -classes[name])[:MAX_CLASSES]
    return [name for name in classes if name in top]


def _print_balance(console: Console, splits: Mapping[str, Any], classes: Sequence[str]) -> None:
    table = _table("rows", *splits, n_left=1)
    table.add_row("all", *(f"{each['rows']:,}" for each in splits.values()))
    for name in classes:
        counts = [(each["classes"][name], each["rows"]) for each in splits.values()]
        table.add_row(_name(name), *(f"{n:,} ({n / total:.1%})" for n, total in counts))
    console.print()
    console.print(table)
    n_classes = len(splits["train"]["classes"])
    if n_classes > len(classes):
        message = f"the {len(classes)} most frequent of {n_classes} classes; the page has all"
        _say(console, message)


def _print_lengths(console: Console, numbers: Mapping[str, Any], classes: Sequence[str]) -> None:
    table = _table("text length in train", "class", "mean", "median", "p95", "max", n_left=2)
    for measure, lengths in numbers["lengths"]["train"].items():
        rows = {"all": lengths["all"]} | {name: lengths["classes"][name] for name in classes}
        for k, (name, values) in enumerate(rows.items()):
            cells = map(rounded, values.values())
            table.add_row("" if k else measure, _name(name), *cells)
    console.print()
    console.print(table)


def _print_truncation(console: Console, numbers: Mapping[str, Any]) -> None:
    lengths = [
        f"[{length}]" if length == str(numbers["max_length"]) else length
        for length in numbers["cut"]["train"]["all"]
    ]
    table = _table("texts truncated by max_length", *lengths, n_left=1)
    for split, shares in numbers["cut"].items():
        table.add_row(split, *map(as_percentage, shares["all"].values()))
    console.print()
    console.print(table)
    n = numbers["special_tokens"]
    tokens = f"tokens of {numbers['model']}, including {n} special tokens"
    _say(console, f"{tokens}; [ ] marks dataset.max_length")


def _print_phrases(console: Console, phrases: Mapping[str, Any], classes: Sequence[str]) -> None:
    width = max(map(cell_len, map(_shortened, classes)))
    for kind, tops in phrases.items():
        console.print(f"\nmost frequent {kind}", style="bold")
        table = Table.grid(padding=(0, 2, 0, 0))
        for name in classes:
            phrases_of_class = [
                f"{_shortened(each['text'])} {each['count']:,}" for each in tops[name]
            ]
            table.add_row(_name(name), Text(_fit(phrases_of_class, console.width - width - 4)))
        console.print(table)


def _fit(items: Sequence[str], width: int) -> str:
    """As many items as fit in one line, at most N_PHRASES."""
    line = ""
    for item in items[:N_PHRASES]:
        longer = f"{line}, {item}" if line else item
        if cell_len(longer) > width:
            break
        line = longer
    return line


def _print_examples(console: Console, examples: Mapping[str, Any], classes: Sequence[str]) -> None:
    table = Table.grid(padding=(0, 2, 0, 0), expand=True)
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True, justify="right")
    table.add_column(no_wrap=True, overflow="ellipsis", ratio=1)
    for name in classes:
        for each in examples[name]:
            table.add_row(_name(name), f"row {each['row']:,}", Text(each["text"]))
    console.print("\nrandom examples from train", style="bold")
    console.print(table)


def _table(*headings: str, n_left: int = 2) -> Table:
    """A table whose columns after the first n_left are right-aligned."""
    table = Table(box=None, header_style="bold", pad_edge=False, padding=(0, 2, 0, 0))
    for k, heading in enumerate(headings):
        table.add_column(Text(heading), justify="left" if k < n_left else "right", overflow="fold")
    return table


def _name(name: str) -> Text:
    return Text(_shortened(name))


def _shortened(text: str) -> str:
    return text if len(text) <= MAX_CHARACTERS else f"{text[: MAX_CHARACTERS - 1]}…"


def _say(console: Console, line: str) -> None:
    console.print(Text(line))
