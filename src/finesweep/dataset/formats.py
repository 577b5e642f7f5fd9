"""One reader for each file format, by extension: path and encoding in, table of all columns out.

Each raises ValueError, OSError or pyarrow's own error for content that is not of its format.
"""

from __future__ import annotations

import codecs
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow.parquet as pq


def _read_delimited(path: Path, encoding: str, *, separator: str) -> pd.DataFrame:
    # An empty cell is missing, but NA, null and the like are texts (and NA is a fine label).
    table = pd.read_csv(
        path, sep=separator, encoding=encoding, dtype=str, keep_default_na=False, na_values=[""]
    )
    # pandas takes a surplus first field for an index, and so shifts every column by one.
    if not isinstance(table.index, pd.RangeIndex):
        raise ValueError("its rows have more fields than its header")
    return table


def _read_csv(path: Path, encoding: str) -> pd.DataFrame:
    return _read_delimited(path, encoding, separator=",")


def _read_tsv(path: Path, encoding: str) -> pd.DataFrame:
    return _read_delimited(path, encoding, separator="\t")


def _read_json_lines(path: Path, encoding: str) -> pd.DataFrame:
    # Spreadsheets and Windows editors put a byte order mark first.
    utf8 = codecs.lookup(encoding).name == "utf-8"
    with path.open(encoding="utf-8-sig" if utf8 else encoding) as lines:
        rows = [_json_row(line, number) for number, line in enumerate(lines, 1) if line.strip()]
    return pd.DataFrame({key: [row.get(key) for row in rows] for key in _keys(rows)}, dtype=object)


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


def _read_parquet(path: Path, _encoding: str) -> pd.DataFrame:
    # ParquetFile, because read_table makes columns of folders that are named key=value.
    table: pd.DataFrame = pq.ParquetFile(path).read().to_pandas(ignore_metadata=True)
    return table


READERS: dict[str, Callable[[Path, str], pd.DataFrame]] = {
    ".csv": _read_csv,
    ".tsv": _read_tsv,
    ".jsonl": _read_json_lines,
    ".json": _read_json_lines,
    ".parquet": _read_parquet,
}
