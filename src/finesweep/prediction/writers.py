"""Files written table by table, which appear atomically when complete."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Protocol

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from finesweep.disk import written_aside
from finesweep.errors import ConfigError, Problem


class Writer(Protocol):
    """An open file for tables with equal columns."""

    def write(self, table: pd.DataFrame) -> None: ...

    def close(self) -> None: ...


@contextmanager
def open_writer(output: Path, *, option: str) -> Iterator[Callable[[pd.DataFrame], None]]:
    """A function that appends tables to a file, in the format of its extension.

    ConfigError, naming option, when there is no such format, or the file cannot be written.
    """
    open_file = WRITERS.get(output.suffix.lower())
    if open_file is None:
        extensions = ", ".join(WRITERS)
        raise ConfigError(Problem(option, f"{output}: extension is not one of {extensions}"))
    try:
        with written_aside(output) as aside, closing(open_file(aside)) as writer:
            yield _in_columns(writer, option)
    except (OSError, pa.ArrowException) as error:
        message = getattr(error, "strerror", None) or str(error).strip()
        raise ConfigError(Problem(option, f"{output}: {message}")) from error


def _in_columns(writer: Writer, option: str) -> Callable[[pd.DataFrame], None]:
    """A function that writes tables with the first one's columns; absent ones are left empty."""
    columns: list[str] = []

    def write(table: pd.DataFrame) -> None:
        columns.extend([] if columns else table.columns)
        if surplus := [repr(name) for name in table.columns if name not in columns]:
            message = f"the file's first rows have no column {', '.join(surplus)}, later ones have"
            raise ConfigError(Problem(option, message))
        writer.write(table.reindex(columns=columns))

    return write


class _Text:
    """A text file of formatted tables, the first with a header."""

    def __init__(self, path: Path, format_table: Callable[[pd.DataFrame, bool], str]) -> None:
        self.file, self.first = path.open("w", encoding="utf-8", newline=""), True
        self.format_table = format_table

    def write(self, table: pd.DataFrame) -> None:
        self.file.write(self.format_table(table, self.first))
        self.first = False

    def close(self) -> None:
        self.file.close()


class _Parquet:
    """A Parquet file; the first table sets the column types."""

    def __init__(self, path: Path) -> None:
        self.file = path.open("wb")
        self.writer: Any = None

    def write(self, table: pd.DataFrame) -> None:
        schema = self.writer and self.writer.schema
        arrow_table = pa.Table.from_pandas(table, schema, preserve_index=False)
        if self.writer is None:
            self.writer = pq.ParquetWriter(self.file, arrow_table.schema)
        self.writer.write_table(arrow_table)

    def close(self) -> None:
        if self.writer is not None:
            self.writer.close()
        self.file.close()


def _csv(table: pd.DataFrame, first: bool) -> str:
    return table.to_csv(index=False, header=first)


def _json_lines(table: pd.DataFrame, _first: bool) -> str:
    return table.to_json(orient="records", lines=True, force_ascii=False)


WRITERS: dict[str, Callable[[Path], Writer]] = {
    ".csv": lambda path: _Text(path, _csv),
    ".jsonl": lambda path: _Text(path, _json_lines),
    ".parquet": _Parquet,
}
