"""Files that take tables one behind another, and appear at the end, whole."""

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


class Sink(Protocol):
    """An open file that takes tables of equal columns."""

    def write(self, table: pd.DataFrame) -> None: ...

    def close(self) -> None: ...


@contextmanager
def written(output: Path, *, option: str) -> Iterator[Callable[[pd.DataFrame], None]]:
    """Takes tables for a file of the format that its extension says.

    ConfigError, naming option, when there is no such format, or the place cannot be written.
    """
    kind = SINKS.get(output.suffix.lower())
    if kind is None:
        known = ", ".join(SINKS)
        raise ConfigError(Problem(option, f"{output}: extension is not one of {known}"))
    try:
        with written_aside(output) as aside, closing(kind(aside)) as sink:
            yield _in_columns(sink, option)
    except (OSError, pa.ArrowException) as error:
        told = getattr(error, "strerror", None) or str(error).strip()
        raise ConfigError(Problem(option, f"{output}: {told}")) from error


def _in_columns(sink: Sink, option: str) -> Callable[[pd.DataFrame], None]:
    """The first table's columns are those of the file; what a later one lacks is missing there."""
    columns: list[str] = []

    def write(table: pd.DataFrame) -> None:
        columns.extend([] if columns else table.columns)
        if surplus := [repr(name) for name in table.columns if name not in columns]:
            told = f"the file's first rows have no column {', '.join(surplus)}, later ones have"
            raise ConfigError(Problem(option, told))
        sink.write(table.reindex(columns=columns))

    return write


class _Text:
    """What each table is made into, with a heading for the first one."""

    def __init__(self, path: Path, made: Callable[[pd.DataFrame, bool], str]) -> None:
        self.file, self.made, self.first = path.open("w", encoding="utf-8", newline=""), made, True

    def write(self, table: pd.DataFrame) -> None:
        self.file.write(self.made(table, self.first))
        self.first = False

    def close(self) -> None:
        self.file.close()


class _Parquet:
    """The types of the first table's columns hold for all."""

    def __init__(self, path: Path) -> None:
        self.file = path.open("wb")
        self.writer: Any = None

    def write(self, table: pd.DataFrame) -> None:
        known = self.writer and self.writer.schema
        made = pa.Table.from_pandas(table, known, preserve_index=False)
        if self.writer is None:
            self.writer = pq.ParquetWriter(self.file, made.schema)
        self.writer.write_table(made)

    def close(self) -> None:
        if self.writer is not None:
            self.writer.close()
        self.file.close()


def _csv(table: pd.DataFrame, first: bool) -> str:
    return table.to_csv(index=False, header=first)


def _json_lines(table: pd.DataFrame, _first: bool) -> str:
    return table.to_json(orient="records", lines=True, force_ascii=False)


SINKS: dict[str, Callable[[Path], Sink]] = {
    ".csv": lambda path: _Text(path, _csv),
    ".jsonl": lambda path: _Text(path, _json_lines),
    ".parquet": _Parquet,
}
