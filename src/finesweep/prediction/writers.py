"""Files written table by table, which appear atomically when complete."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from pathlib import Path

import pandas as pd
import pyarrow as pa

from finesweep.disk import written_aside
from finesweep.errors import ConfigError, Problem
from finesweep.prediction.json_values import encode, json_value
from finesweep.prediction.parquet_files import open_parquet

Write = Callable[[pd.DataFrame], None]


@contextmanager
def open_writer(output: Path, *, option: str) -> Iterator[Write]:
    """A function that appends tables to a file, in the format of its extension.

    ConfigError, naming option, when there is no such format, or the file cannot be written.
    """
    open_file = WRITERS.get(output.suffix.lower())
    if open_file is None:
        extensions = ", ".join(WRITERS)
        raise ConfigError(Problem(option, f"{output}: extension is not one of {extensions}"))
    try:
        with written_aside(output) as aside, open_file(aside) as write:
            yield _in_columns(write, option)
    except (OSError, pa.ArrowException) as error:
        message = getattr(error, "strerror", None) or str(error).strip()
        raise ConfigError(Problem(option, f"{output}: {message}")) from error


def _in_columns(write_table: Write, option: str) -> Write:
    """A function that writes tables with the first one's columns; absent ones are left empty."""
    columns: list[str] = []

    def write(table: pd.DataFrame) -> None:
        columns.extend([] if columns else table.columns)
        if surplus := [repr(name) for name in table.columns if name not in columns]:
            message = f"the file's first rows have no column {', '.join(surplus)}, later ones have"
            raise ConfigError(Problem(option, message))
        write_table(table.reindex(columns=columns))

    return write


@contextmanager
def _open_text(path: Path, format_table: Callable[[pd.DataFrame, bool], str]) -> Iterator[Write]:
    """A function that appends formatted tables, the first with a header."""
    with path.open("w", encoding="utf-8", newline="") as file:
        yield lambda table: print(format_table(table, file.tell() == 0), end="", file=file)


def _csv(table: pd.DataFrame, first: bool) -> str:
    text = table.to_csv(index=False, header=first)
    if "\r" not in text:
        return text
    # Before Python 3.13 the csv module does not quote a lone \r, which readers take as a row's end.
    return table.to_csv(index=False, header=first, quoting=csv.QUOTE_NONNUMERIC)


def _json_lines(table: pd.DataFrame, _first: bool) -> str:
    # pandas rounds to at most 15 digits.
    columns = [map(json_value, table[name].tolist()) for name in table.columns]
    names = list(map(str, table.columns))
    rows = zip(*columns, strict=True)
    return "".join(f"{encode(dict(zip(names, row, strict=True)))}\n" for row in rows)


WRITERS: dict[str, Callable[[Path], AbstractContextManager[Write]]] = {
    ".csv": partial(_open_text, format_table=_csv),
    ".jsonl": partial(_open_text, format_table=_json_lines),
    ".parquet": open_parquet,
}
