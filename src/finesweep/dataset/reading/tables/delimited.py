"""CSV, TSV and similar, read by pandas: all fields are strings, and only empty ones are missing."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from finesweep.dataset.reading.compression import open_compressed
from finesweep.dataset.reading.pieces import Piece, TableFile
from finesweep.dataset.reading.tables.layouts import Layout, layout_of
from finesweep.dataset.reading.tables.quotes import WAYS
from finesweep.wording import counted_rows


def read_delimited(file: TableFile, n_rows: int, *, usual: str | None) -> Iterator[Piece]:
    """The rows, as many as were counted; usual is the separator that the extension implies."""
    layout = layout_of(file, usual)
    n_read, n_fields = 0, max(len(layout.columns), layout.records.widest)
    # Only an empty cell is missing: NA, null and the like are texts, or labels.
    with (
        open_compressed(file.path) as (stream, share_read),
        pd.read_csv(
            stream,
            sep=layout.separator,
            encoding=layout.encoding,
            encoding_errors=file.format.encoding_errors,
            dtype=str,
            keep_default_na=False,
            na_values=[""],
            chunksize=n_rows,
            # With a header, pandas would reject longer rows, and take a surplus first field for an
            # index, which shifts every column by one.
            skiprows=layout.n_above,
            header=0 if layout.has_header and n_fields == len(layout.columns) else None,
            names=range(n_fields),
            index_col=False,
            **WAYS[layout.quoting],
        ) as tables,
    ):
        for table in tables:
            if layout.has_header and n_fields > len(layout.columns) and not n_read:
                table = table.iloc[1:]
            rows = _without_long_rows(table, layout)
            n_read += len(table)
            yield Piece(rows, share_read())
    expected = layout.records.n - layout.has_header
    if n_read != expected:
        file.note(f"{counted_rows(n_read)} read of {expected:,} counted")


def _without_long_rows(table: pd.DataFrame, layout: Layout) -> pd.DataFrame:
    """The rows with no more fields than columns; longer ones are counted in layout.records."""
    n_columns = len(layout.columns)
    surplus = table.iloc[:, n_columns:]
    if layout.records.n_long:
        filled = surplus.apply(lambda column: column.str.strip().fillna("").ne(""))
        table = table[~filled.any(axis=1)]
    rows = table.iloc[:, :n_columns].reset_index(drop=True)
    rows.columns = pd.Index(layout.columns)
    return rows
