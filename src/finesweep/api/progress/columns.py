"""Lines of aligned columns that fit a width: columns are dropped in a stated order, none is cut."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.cells import cell_len
from rich.console import RenderableType
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

GAP = 2
"""Spaces between two columns."""
MIN_BAR, MAX_BAR = 8, 32
"""Characters of a bar: as many as are left."""


@dataclass(frozen=True)
class Bar:
    """A bar that is filled to a share in [0, 1]; None leaves its place empty."""

    share: float | None


@dataclass(frozen=True)
class Column:
    """The cells of one column, one for each line."""

    cells: Sequence[str | Bar]
    rank: int = 0
    """The column of the highest rank is dropped first; one of rank 0 never is."""
    is_right: bool = False
    """Whether its texts stand to the right."""

    @property
    def is_empty(self) -> bool:
        return not any(
            cell.share is not None if isinstance(cell, Bar) else cell for cell in self.cells
        )

    @property
    def width(self) -> int:
        """Its characters at the least."""
        widths = [MIN_BAR if isinstance(cell, Bar) else cell_len(cell) for cell in self.cells]
        return max(widths, default=0)


def fitting(columns: Sequence[Column], width: int) -> list[Column]:
    """The columns that fit into width characters, after those of the highest ranks are dropped.

    Those of rank 0 stay, even if they do not fit: `lines` then wraps their cells.
    """
    shown = [column for column in columns if not column.is_empty]
    while _width(shown) > width and any(column.rank for column in shown):
        shown.remove(max(shown, key=lambda column: column.rank))
    return shown


def lines(columns: Sequence[Column], width: int) -> RenderableType:
    """The columns side by side in at most width characters."""
    shown = fitting(columns, width)
    spare = width - _width(shown)
    table = Table.grid(padding=(0, GAP, 0, 0))
    for column in shown:
        table.add_column(
            justify="right" if column.is_right else "left", no_wrap=spare >= 0, overflow="fold"
        )
    bar_width = min(MAX_BAR, MIN_BAR + max(0, spare))
    for row in zip(*(column.cells for column in shown), strict=True):
        table.add_row(*(_cell(cell, bar_width) for cell in row))
    return table


def _width(columns: Sequence[Column]) -> int:
    return sum(column.width for column in columns) + GAP * max(0, len(columns) - 1)


def _cell(cell: str | Bar, bar_width: int) -> RenderableType:
    """A cell without markup: a name may hold any characters."""
    if isinstance(cell, str):
        return Text(cell)
    if cell.share is None:
        return Text("")
    return ProgressBar(total=1.0, completed=min(1.0, cell.share), width=bar_width)
