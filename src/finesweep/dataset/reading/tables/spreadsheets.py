"""Excel sheets, by pandas and openpyxl: a cell's value as text, a formula by what it last gave."""

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
"""Rows among which a header is looked for: people write titles above their tables."""
N_SAMPLE = 200


def read_excel(file: TableFile, n_rows: int) -> Iterator[Piece]:
    """The rows of one sheet, without those that are blank; ConfigError on an unknown sheet."""
    cells = _cells(file)
    blank = cells.isna().all(axis=1)
    cells = cells[~blank].dropna(axis=1, how="all")
    if cells.empty:
        return
    start = _header_place(file, cells)
    rows = cells.iloc[start:].to_numpy(dtype=object)
    names, is_data = column_names(file, rows[0], rows[1:N_SAMPLE].tolist())
    table = pd.DataFrame(rows[0 if is_data else 1 :], columns=names)
    if n_blank := int(blank[cells.index[start] :].sum()):
        file.note(f"{counted_rows(n_blank)} without any cell left out")
    for first in range(0, len(table), n_rows):
        piece = table.iloc[first : first + n_rows].reset_index(drop=True)
        yield Piece(piece, min(1.0, (first + n_rows) / len(table)))


def _cells(file: TableFile) -> pd.DataFrame:
    with open_compressed(file.path) as (stream, _):
        content = io.BytesIO(stream.read())
    with pd.ExcelFile(content, engine="openpyxl") as book:
        sheets, wanted = [str(name) for name in book.sheet_names], file.format.sheet_name
        if wanted is not None and wanted not in sheets:
            told = f"{file.path.name} has no sheet {wanted!r}; {nearest(wanted, sheets)}"
            raise ConfigError(Problem("dataset.sheet_name", told))
        if wanted is None and len(sheets) > 1:
            others = ", ".join(sheets[1:])
            file.guess(f"its first sheet, {sheets[0]!r}, is read; others: {others}", "sheet_name")
        # Not NA and null, which are texts; only an empty cell is missing.
        return pd.read_excel(
            book,
            sheet_name=wanted or sheets[0],
            header=None,
            dtype=str,
            keep_default_na=False,
            na_values=[""],
        )


def _header_place(file: TableFile, cells: pd.DataFrame) -> int:
    """The place of the row that holds all wanted names; 0 where none does."""
    wanted = set(file.format.texts + file.format.labels)
    for place, row in enumerate(cells.head(N_ABOVE).itertuples(index=False)):
        if wanted <= set(row) and not file.format.columns:
            if place:
                file.note(
                    f"its header is row {cells.index[place] + 1}; what stands above is no row"
                )
            return place
    return 0
