"""Column names of a table of cells: from its first row, the config or, without a header, from the
cells' content if that leaves no doubt."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from finesweep.dataset.reading.pieces import TableFile
from finesweep.errors import ConfigError, Problem

Row = Sequence[Any]
UNNAMED = "Unnamed: "
"""Prefix of the number of a column with a blank header, as in pandas."""
N_ROWS = 4
"""Minimum rows to guess a column's content."""


def column_names(file: TableFile, first: Row, rows: Sequence[Row]) -> tuple[list[str], bool]:
    """Column names, and whether the first row is data; rows are some of the following rows.

    ConfigError if dataset.columns does not have one name per column.
    """
    names, cells = list(file.format.columns), [_cell(each) for each in first]
    if names:
        if len(names) != len(cells):
            message = f"{len(names)} names for {len(cells)} columns of {file.path.name}: "
            message += ", ".join(map(repr, cells[:8]))
            raise ConfigError(Problem("dataset.columns", message))
        if names == cells:
            file.note("its first row equals dataset.columns, and is read as a header")
        return names, names != cells
    if guessed := _by_content(file, cells, [[_cell(each) for each in row] for row in rows]):
        reason = "no header, as its first row has a label of other rows"
        file.guess(f"{reason}; read as columns {guessed[0]}, {guessed[1]}", "columns")
        return guessed, True
    return _unique_names(cells, file.format.texts + file.format.labels), False


def _cell(value: Any) -> str:
    return "" if value is None or value != value else str(value)


def _by_content(
    file: TableFile, first: Sequence[str], rows: Sequence[Sequence[str]]
) -> list[str] | None:
    """Names of a text and a label column whose first row is data; None if that is not certain."""
    texts, labels = file.format.texts, file.format.labels
    expected = {name.lower() for name in texts + labels}
    present = expected & {cell.strip().lower() for cell in first}
    if present or (len(first), len(texts), len(labels)) != (2, 1, 1) or len(rows) < N_ROWS:
        return None
    columns = list(zip(*(row for row in rows if len(row) == 2), strict=True))
    label_columns = [
        index
        for index in range(len(columns))
        if _holds_labels(columns[index], columns[1 - index], first[index])
    ]
    if len(label_columns) != 1:
        return None
    return [labels[0], texts[0]] if label_columns == [0] else [texts[0], labels[0]]


def _holds_labels(column: Sequence[str], other: Sequence[str], first: str) -> bool:
    """Whether column has recurring values, among them the first row's, and other does not."""
    distinct, n_rows = set(column), len(column)
    recurs = first in distinct and len(distinct) <= n_rows / 2 and len(set(other)) > len(distinct)
    return recurs and sum(map(len, other)) > sum(map(len, column))


def _unique_names(cells: Sequence[str], expected: Sequence[str]) -> list[str]:
    """Names of a header, with blank and duplicate ones renamed as in pandas; a duplicate of an
    expected column stays, so that the user must choose."""
    names: list[str] = []
    for index, cell in enumerate(cells):
        name, n_times = cell or f"{UNNAMED}{index}", cells[:index].count(cell)
        names.append(f"{name}.{n_times}" if n_times and cell and cell not in expected else name)
    return names
