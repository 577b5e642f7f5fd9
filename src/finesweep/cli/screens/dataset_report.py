"""A dataset on screen: rows, lengths, phrases, examples, and what the checks found."""

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
"""Of each kind and class; the page has more."""
MAX_CLASSES = 8
N_ROWS = 8
MAX_CHARACTERS = 24
"""Of a class's name, and of a phrase."""
COLOURS = {"severe": "bold red", "warning": "yellow", "note": "cyan"}


def print_overview(console: Console, made: Mapping[str, Any]) -> None:
    """made is explore.json: what it says, in a few short tables."""
    for note in made["data_notes"]:
        _say(console, f"data: {note}")
    shown = _commonest(made["splits"]["train"]["classes"])
    _print_balance(console, made["splits"], shown)
    _print_lengths(console, made, shown)
    _print_cuts(console, made)
    _print_phrases(console, made["phrases"], shown)
    _print_examples(console, made["examples"], shown)
    console.print()
    for note in made["notes"]:
        _say(console, note)


def print_findings(console: Console, findings: Sequence[Finding]) -> None:
    """Each with its severity, and the first rows that it concerns."""
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


def _commonest(classes: Mapping[str, int]) -> list[str]:
    best = sorted(classes, key=lambda name: -classes[name])[:MAX_CLASSES]
    return [name for name in classes if name in best]


def _print_balance(console: Console, splits: Mapping[str, Any], shown: Sequence[str]) -> None:
    table = _table("rows", *splits, n_left=1)
    table.add_row("all", *(f"{each['rows']:,}" for each in splits.values()))
    for name in shown:
        counts = [(each["classes"][name], each["rows"]) for each in splits.values()]
        table.add_row(_name(name), *(f"{n:,} ({n / total:.1%})" for n, total in counts))
    console.print()
    console.print(table)
    n_classes = len(splits["train"]["classes"])
    if n_classes > len(shown):
        _say(console, f"the {len(shown)} commonest of {n_classes} classes; the page has all")


def _print_lengths(console: Console, made: Mapping[str, Any], shown: Sequence[str]) -> None:
    table = _table("length of train's texts", "class", "mean", "median", "p95", "max", n_left=2)
    for measure, told in made["lengths"]["train"].items():
        rows = {"all": told["all"]} | {name: told["classes"][name] for name in shown}
        for k, (name, values) in enumerate(rows.items()):
            cells = map(rounded, values.values())
            table.add_row("" if k else measure, _name(name), *cells)
    console.print()
    console.print(table)


def _print_cuts(console: Console, made: Mapping[str, Any]) -> None:
    lengths = [
        f"[{length}]" if length == str(made["max_length"]) else length
        for length in made["cut"]["train"]["all"]
    ]
    table = _table("texts cut by max_length", *lengths, n_left=1)
    for split, told in made["cut"].items():
        table.add_row(split, *map(as_percentage, told["all"].values()))
    console.print()
    console.print(table)
    n = made["special_tokens"]
    _say(console, f"tokens of {made['model']}, {n} special ones counted; [ ] is dataset.max_length")


def _print_phrases(console: Console, phrases: Mapping[str, Any], shown: Sequence[str]) -> None:
    width = max(map(cell_len, map(_cut, shown)))
    for kind, tops in phrases.items():
        console.print(f"\ncommonest {kind}", style="bold")
        table = Table.grid(padding=(0, 2, 0, 0))
        for name in shown:
            listed = [f"{_cut(each['text'])} {each['count']:,}" for each in tops[name]]
            table.add_row(_name(name), Text(_fitting(listed, console.width - width - 4)))
        console.print(table)


def _fitting(items: Sequence[str], width: int) -> str:
    """As many of items as stand in one line, but at most N_PHRASES."""
    line = ""
    for item in items[:N_PHRASES]:
        longer = f"{line}, {item}" if line else item
        if cell_len(longer) > width:
            break
        line = longer
    return line


def _print_examples(console: Console, examples: Mapping[str, Any], shown: Sequence[str]) -> None:
    table = Table.grid(padding=(0, 2, 0, 0), expand=True)
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True, justify="right")
    table.add_column(no_wrap=True, overflow="ellipsis", ratio=1)
    for name in shown:
        for each in examples[name]:
            table.add_row(_name(name), f"row {each['row']:,}", Text(each["text"]))
    console.print("\nexamples of train, at random", style="bold")
    console.print(table)


def _table(*headings: str, n_left: int = 2) -> Table:
    """Columns after the first n_left stand to the right."""
    table = Table(box=None, header_style="bold", pad_edge=False, padding=(0, 2, 0, 0))
    for k, heading in enumerate(headings):
        table.add_column(Text(heading), justify="left" if k < n_left else "right", overflow="fold")
    return table


def _name(name: str) -> Text:
    return Text(_cut(name))


def _cut(text: str) -> str:
    return text if len(text) <= MAX_CHARACTERS else f"{text[: MAX_CHARACTERS - 1]}…"


def _say(console: Console, line: str) -> None:
    console.print(Text(line))
