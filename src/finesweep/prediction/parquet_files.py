"""Parquet files whose column types suit all rows."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from mmap import ACCESS_READ, mmap
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO

import pandas as pd
import pyarrow as pa
import pyarrow.ipc as ipc
import pyarrow.parquet as pq

from finesweep.prediction.json_values import json_text


@contextmanager
def open_parquet(path: Path) -> Iterator[Callable[[pd.DataFrame], None]]:
    """A function that appends tables with equal columns; the file is complete when the block ends.

    The tables are kept in a temporary file beside it until their common types are known.
    """
    with path.open("wb") as file, TemporaryFile(dir=path.parent) as kept:

        def write(table: pd.DataFrame) -> None:
            arrow_table = _arrow_table(table)
            with ipc.new_stream(kept, arrow_table.schema) as stream:
                stream.write_table(arrow_table)

        yield write
        kept.flush()
        _write_parquet(_kept_tables(kept), file)


def _arrow_table(table: pd.DataFrame) -> pa.Table:
    columns = {name: _of_one_type(column) for name, column in table.items()}
    return pa.Table.from_pandas(pd.DataFrame(columns), preserve_index=False)


def _of_one_type(column: pd.Series) -> pd.Series:
    """The column; as text if its values have several types, or integers of more than 64 bits."""
    try:
        pa.Array.from_pandas(column)
    except (pa.ArrowException, OverflowError):
        return column.map(json_text)
    return column


def _kept_tables(kept: IO[bytes]) -> list[pa.Table]:
    """The tables of a file of Arrow streams, which stay on disk."""
    size = kept.tell()
    source = pa.BufferReader(mmap(kept.fileno(), size, access=ACCESS_READ) if size else b"")
    tables = []
    while source.tell() < size:
        tables.append(ipc.open_stream(source).read_all())
    return tables


def _write_parquet(tables: Sequence[pa.Table], file: IO[bytes]) -> None:
    first = tables[0].schema if tables else pa.schema([])
    types = {name: _common_type([table[name] for table in tables]) for name in first.names}
    # The metadata are pandas' own types, such as integers with missing values.
    schema = pa.schema(types, metadata=first.metadata)
    with pq.ParquetWriter(file, schema) as writer:
        for table in tables:
            columns = [_converted(table[name], to) for name, to in types.items()]
            writer.write_table(pa.table(columns, schema=schema))


def _common_type(columns: Sequence[pa.ChunkedArray]) -> pa.DataType:
    """The type that all of them convert to without loss, and that Parquet can store; else string.

    The types of columns without values do not count if there are others.
    """
    typed = [column for column in columns if column.null_count < len(column)] or columns
    fields = [pa.schema({"": each}) for each in dict.fromkeys(column.type for column in typed)]
    try:
        merged = pa.unify_schemas(fields, promote_options="permissive")
        pq.ParquetWriter(io.BytesIO(), merged).close()
        for column in typed:
            column.cast(merged.types[0])
    except pa.ArrowException:
        return pa.string()
    return merged.types[0]


def _converted(column: pa.ChunkedArray, to: pa.DataType) -> pa.ChunkedArray | pa.Array:
    if column.null_count == len(column):
        return pa.nulls(len(column), to)
    if to == pa.string():
        return pa.array(map(json_text, column.to_pylist()), to)
    return column.cast(to)
