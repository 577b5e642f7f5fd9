"""Texts that stand one in each line: in a file, or arriving on standard input."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from finesweep.dataset.files import encoding_problem
from finesweep.dataset.formats import Piece
from finesweep.errors import ConfigError, Problem

COLUMN = "text"
N_BYTES = 65_536


def read_lines(path: Path, *, field: str, encoding: str, hint: str) -> Iterator[Piece]:
    """Pieces of one column, `text`, without blank lines.

    ConfigError, naming field, when the file cannot be read; hint is how to give another encoding.
    """
    try:
        size = path.stat().st_size
        with path.open("rb") as stream:
            for rows in arriving_lines(stream, encoding=encoding):
                yield Piece(rows, stream.tell() / size)
    except OSError as error:
        raise ConfigError(Problem(field, f"{path}: {error.strerror}")) from error
    except UnicodeDecodeError as error:
        raise ConfigError(Problem(field, encoding_problem(path, encoding, hint))) from error


def arriving_lines(stream: io.BufferedReader, *, encoding: str) -> Iterator[pd.DataFrame]:
    """Tables of one column, `text`, as soon as whole lines are there: what has arrived does not
    wait for what has not. UnicodeDecodeError where a line is of another encoding."""
    rest = b""
    while some := stream.read1(N_BYTES):
        whole, newline, rest = (rest + some).rpartition(b"\n")
        yield from _table(whole + newline, encoding)
    yield from _table(rest, encoding)


def _table(lines: bytes, encoding: str) -> Iterator[pd.DataFrame]:
    texts = [line for line in lines.decode(encoding).splitlines() if line.strip()]
    if texts:
        yield pd.DataFrame({COLUMN: texts})
