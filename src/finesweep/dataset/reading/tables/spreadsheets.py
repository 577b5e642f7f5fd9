"""Excel sheets, read by pandas and openpyxl: cell values as text, formulas by their cached
result."""

from __future__ import annotations

import io
from collections.abc import Iterator

import pandas as pd

from finesweep.dataset.reading.compression import open_compressed
from finesweep.dataset.reading.pieces import Piece, TableFile
from finesweep.dataset.reading.tables.headers import column_names
from finesweep.errors import ConfigError, Problem, nearest
from finesweep.wording import counted_rows

N_ABOVE = 20
"""Rows searched for a header: people write titles above their tables."""
N_SAMPLE = 200


def read_excel(file: TableFile, n_rows: int) -> Iterator[Piece]:
    """The non-blank rows of one sheet; ConfigError on an unknown sheet."""
    cells = _cells(file)
    blank = cells.isna().all(axis=1)
    cells = cells[~blank].dropna(axis=1, how="all")
    if cells.empty:
        return
    start = _header_index(file, cells)
    rows = cells.iloc[start:].to_numpy(dtype=object)
    names, is_data = column_names(file, rows[0], rows[1:N_SAMPLE].tolist())
    table = pd.DataFrame(rows[0 if is_data else 1 :], columns=names)
    if n_blank := int(blank[cells.index[start] :].sum()):
        file.note(f"{counted_rows(n_blank)} without values left out")
    for first in range(0, len(table), n_rows):
        piece = table.iloc[first : first + n_rows].reset_index(drop=True)
        yield Piece(piece, min(1.0, (first + n_rows) / len(table)))


def _cells(file: TableFile) -> pd.DataFrame:
    with open_compressed(file.path) as (stream, _):
        content = io.BytesIO(stream.read())
    with pd.ExcelFile(content, engine="openpyxl") as book:
        sheets, name = [str(name) for name in book.sheet_names], file.format.sheet_name
        if name is not None and name not in sheets:
            message = f"{file.path.name} has no sheet {name!r}; {nearest(name, sheets)}"
            raise ConfigError(Problem("dataset.sheet_name", message))
        if name is None and len(sheets) > 1:
            others = ", ".join(sheets[1:])
            file.guess(f"its first sheet, {sheets[0]!r}, is read; others: {others}", "sheet_name")
        # Only an empty cell is missing: NA and null are texts.
        return pd.read_excel(
            book,
            sheet_name=name or sheets[0],
            header=None,
            dtype=str,
            keep_default_na=False,
            na_values=[""],
        )


def _header_index(file: TableFile, cells: pd.DataFrame) -> int:
    """Index of the row that has all expected names; 0 if none has."""
    expected = set(file.format.texts + file.format.labels)
    for index, row in enumerate(cells.head(N_ABOVE).itertuples(index=False)):
        if expected <= set(row) and not file.format.columns:
            if index:
                file.note(f"its header is row {cells.index[index] + 1}; rows above are skipped")
            return index
    return 0
