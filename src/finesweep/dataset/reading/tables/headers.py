"""What the columns of a table are called that comes as rows of cells: by its first row, by the
config, or, where there is no header and the cells leave no doubt, by what they hold."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from finesweep.dataset.reading.pieces import TableFile
from finesweep.errors import ConfigError, Problem

Row = Sequence[Any]
UNNAMED = "Unnamed: "
"""Before the number of a column whose header is blank, as pandas has it."""
N_ROWS = 4
"""Fewer say too little of what a column holds."""


def column_names(file: TableFile, first: Row, rows: Sequence[Row]) -> tuple[list[str], bool]:
    """The columns' names, and whether the first row is one of data; rows are some that follow it.

    ConfigError when dataset.columns has another number of names than there are columns.
    """
    given, cells = list(file.format.columns), [_cell(each) for each in first]
    if given:
        if len(given) != len(cells):
            told = f"{len(given)} names given, and {file.path.name} has {len(cells)} columns: "
            raise ConfigError(Problem("dataset.columns", told + ", ".join(map(repr, cells[:8]))))
        if given == cells:
            file.note("its first row is dataset.columns itself, and is read as its header")
        return given, given != cells
    if guess := _by_content(file, cells, [[_cell(each) for each in row] for row in rows]):
        told = "no header, as its first row holds a label that other rows have too"
        file.guess(f"{told}; read as columns {guess[0]}, {guess[1]}", "columns")
        return guess, True
    return _unlike(cells, file.format.texts + file.format.labels), False


def _cell(value: Any) -> str:
    return "" if value is None or value != value else str(value)


def _by_content(
    file: TableFile, first: Sequence[str], rows: Sequence[Sequence[str]]
) -> list[str] | None:
    """Names of two columns, of texts and of their labels, of which the first row is data."""
    texts, labels = file.format.texts, file.format.labels
    wanted = {name.lower() for name in texts + labels}
    named = wanted & {cell.strip().lower() for cell in first}
    if named or (len(first), len(texts), len(labels)) != (2, 1, 1) or len(rows) < N_ROWS:
        return None
    columns = list(zip(*(row for row in rows if len(row) == 2), strict=True))
    places = [
        place
        for place in range(len(columns))
        if _holds_labels(columns[place], columns[1 - place], first[place])
    ]
    if len(places) != 1:
        return None
    return [labels[0], texts[0]] if places == [0] else [texts[0], labels[0]]


def _holds_labels(column: Sequence[str], other: Sequence[str], first: str) -> bool:
    """Whether the values of column recur, the first row's among them, and those of other do not."""
    known, n_rows = set(column), len(column)
    recurs = first in known and len(known) <= n_rows / 2 and len(set(other)) > len(known)
    return recurs and sum(map(len, other)) > sum(map(len, column))


def _unlike(cells: Sequence[str], wanted: Sequence[str]) -> list[str]:
    """The names of a header, blank and repeated ones as pandas has them; a wanted column that is
    there twice stays so, because which of them is meant must be asked."""
    names: list[str] = []
    for place, cell in enumerate(cells):
        name, n_times = cell or f"{UNNAMED}{place}", cells[:place].count(cell)
        names.append(f"{name}.{n_times}" if n_times and cell and cell not in wanted else name)
    return names
