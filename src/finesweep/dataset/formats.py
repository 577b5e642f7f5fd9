"""One reader for each file format, by extension: path and encoding in, tables of all columns out.

A reader yields pieces of at most n_rows rows in the file's order, and raises ValueError, OSError,
EOFError or pyarrow's own error when it comes to content that is not of its format.
"""

from __future__ import annotations

import codecs
import io
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from finesweep.dataset.compression import opened


@dataclass(frozen=True)
class Piece:
    """Some rows of a file, and how much of it has been read with them."""

    rows: pd.DataFrame
    share: float
    """In [0, 1], of the file's bytes or rows."""


def _read_delimited(path: Path, encoding: str, n_rows: int, *, separator: str) -> Iterator[Piece]:
    # An empty cell is missing, but NA, null and the like are texts (and NA is a fine label).
    with (
        opened(path) as (stream, share_read),
        pd.read_csv(
            stream,
            sep=separator,
            encoding=encoding,
            dtype=str,
            keep_default_na=False,
            na_values=[""],
            chunksize=n_rows,
        ) as tables,
    ):
        for table in tables:
            # pandas takes a surplus first field for an index, and so shifts every column by one.
            if not isinstance(table.index, pd.RangeIndex):
                raise ValueError("its rows have more fields than its header")
            yield Piece(table.reset_index(drop=True), share_read())


def _read_json_lines(path: Path, encoding: str, n_rows: int) -> Iterator[Piece]:
    # Spreadsheets and Windows editors put a byte order mark first.
    utf8 = codecs.lookup(encoding).name == "utf-8"
    with opened(path) as (stream, share_read):
        lines = io.TextIOWrapper(stream, encoding="utf-8-sig" if utf8 else encoding)
        rows = (_json_row(line, number) for number, line in enumerate(lines, 1) if line.strip())
        while some := list(islice(rows, n_rows)):
            columns = {key: [row.get(key) for row in some] for key in _keys(some)}
            yield Piece(pd.DataFrame(columns, dtype=object), share_read())


def _json_row(line: str, number: int) -> dict[str, Any]:
    try:
        row = json.loads(line)
    except json.JSONDecodeError as error:
        raise ValueError(
            f"line {number} is not JSON ({error.msg}); one {{...}} a line is expected"
        ) from None
    if not isinstance(row, dict):
        raise ValueError(f"line {number} is no object; one {{...}} a line is expected")
    return {key: _whole_characters(value) for key, value in row.items()}


def _whole_characters(value: Any) -> Any:
    """The value; half a surrogate pair, which tweets cut in JSON leave behind, becomes U+FFFD."""
    if not isinstance(value, str) or value.isascii():
        return value
    return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _keys(rows: list[dict[str, Any]]) -> list[str]:
    """All keys, in order of first appearance."""
    return list(dict.fromkeys(key for row in rows for key in row))


def _read_parquet(path: Path, _encoding: str, n_rows: int) -> Iterator[Piece]:
    # ParquetFile, because read_table makes columns of folders that are named key=value.
    with pq.ParquetFile(path) as file:
        total, n_read = file.metadata.num_rows, 0
        for batch in file.iter_batches(batch_size=n_rows):
            n_read += len(batch)
            table = pa.Table.from_batches([batch]).to_pandas(ignore_metadata=True)
            yield Piece(table, n_read / total)


Reader = Callable[[Path, str, int], Iterator[Piece]]
READERS: dict[str, Reader] = {
    ".csv": partial(_read_delimited, separator=","),
    ".tsv": partial(_read_delimited, separator="\t"),
    ".jsonl": _read_json_lines,
    ".json": _read_json_lines,
    ".parquet": _read_parquet,
}
