"""A comparison on screen: tables side by side, then the tests in words."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table
from rich.text import Text

from finesweep.report.comparison import Comparison, sentence
from finesweep.report.comparison_tables import TextTable, tables_of

SIDES_PER_BLOCK = 3
"""Sides beside each other in 80 columns; more follow in blocks below."""

MAX_NAME = 38
"""Characters of a name before it is folded; values are folded first."""


def print_comparison(console: Console, comparison: Comparison) -> None:
    """Prints what differs, the scores, the tests, and what could not be compared."""
    for table in tables_of(comparison, all_scores=False):
        console.print(table.title)
        for block in _blocks(table):
            console.print(block)
        console.print()
    for test in comparison.tests:
        console.print(sentence(test), soft_wrap=True)
    for note in comparison.notes:
        console.print(note, soft_wrap=True)


def _blocks(table: TextTable) -> list[Table]:
    n_columns = len(table.headings)
    step = SIDES_PER_BLOCK if table.is_by_side else n_columns
    return [_block(table, range(k, min(k + step, n_columns))) for k in range(1, n_columns, step)]


def _block(table: TextTable, columns: range) -> Table:
    block = Table(box=None, header_style="bold", pad_edge=False, padding=(0, 1, 0, 0))
    width = min(MAX_NAME, max(len(row[0]) for row in table.rows))
    block.add_column(Text(table.headings[0]), overflow="fold", min_width=width)
    for index in columns:
        block.add_column(Text(table.headings[index]), overflow="fold")
    for row in table.rows:
        block.add_row(*(Text(row[index]) for index in (0, *columns)))
    return block
