"""Texts, one per line, from a file or standard input."""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from typing import IO

import pandas as pd
import pyarrow as pa

from finesweep.dataset.reading.compression import open_compressed
from finesweep.dataset.reading.encodings import (
    REPLACED,
    bom_encoding,
    likely_encoding,
    note_replaced,
)
from finesweep.dataset.reading.files import encoding_problem
from finesweep.dataset.reading.formats import Format, Piece, TableFile
from finesweep.errors import ConfigError, Problem

COLUMN = "text"
N_BYTES = 65_536
MARK = "\ufeff"
NULS = "it has NUL bytes, as in UTF-16"


def read_lines(file: TableFile, *, field: str, hint: str) -> Iterator[Piece]:
    """Pieces with one column, `text`, and a row per line.

    ConfigError for field if the file is empty or cannot be read; hint is the option that sets
    another encoding.
    """
    path, encoding = file.path, file.format.encoding
    is_empty, n_replaced = True, 0
    try:
        with open_compressed(path) as (stream, share_read):
            for rows in stream_lines(stream, file.format):
                is_empty = False
                n_replaced += sum(line.count(REPLACED) for line in rows[COLUMN])
                yield Piece(rows, share_read())
    except UnicodeDecodeError as error:
        message = (
            f"{path} {bytes_problem(error, hint)}"
            if error.reason == NULS
            else encoding_problem(path, encoding, hint)
        )
        raise ConfigError(Problem(field, message)) from error
    except (OSError, EOFError, pa.ArrowException) as error:
        why = getattr(error, "strerror", None) or str(error).strip()
        raise ConfigError(Problem(field, f"{path}: {why}")) from error
    if is_empty:
        raise ConfigError(Problem(field, f"{path} is empty"))
    if file.format.encoding_errors != "strict":
        note_replaced(file, n_replaced)


def bytes_problem(error: UnicodeDecodeError, hint: str) -> str:
    """A message for bytes in another encoding, with an encoding to try."""
    content = bytes(error.object)
    if error.reason == NULS:
        likely = "utf-16-le" if content[1::2].count(0) > content[::2].count(0) else "utf-16-be"
    else:
        likely = likely_encoding(content) or "cp1252"
    return f"is not {error.encoding} ({error.reason}); try {hint}{likely}"


def stream_lines(stream: IO[bytes], file_format: Format) -> Iterator[pd.DataFrame]:
    """Tables with one column, `text`, and a row per line, also blank ones, as soon as whole lines
    have arrived.

    Lines end with \\n or \\r\\n only: texts contain other line breaks (form feed, U+0085, U+2028).
    A byte order mark is dropped from the first line, and sets the encoding if that is UTF-8.
    UnicodeDecodeError on a wrong encoding, unless the format replaces invalid characters.
    """
    chunk = _available(stream)
    decoder = _decoder(chunk, file_format)
    partial_line: list[str] = []
    """Parts of a line whose end has not arrived."""
    is_start = True
    while True:
        text = decoder.decode(chunk, final=not chunk)
        if is_start and text:
            text, is_start = text.removeprefix(MARK), False
        *complete, rest = text.split("\n")
        if complete:
            complete[0] = "".join([*partial_line, complete[0]])
            partial_line = []
            yield _table(complete)
        partial_line.append(rest)
        if not chunk:
            break
        chunk = _available(stream)
    if last := "".join(partial_line):
        yield _table([last])


def _decoder(start: bytes, file_format: Format) -> codecs.IncrementalDecoder:
    encoding = file_format.encoding
    if codecs.lookup(encoding).name in ("utf-8", "utf-8-sig"):
        from_bom = bom_encoding(start[:4])
        if from_bom is None and start.count(0) > len(start) / 5:
            position = start.index(0)
            raise UnicodeDecodeError(encoding, start, position, position + 1, NULS)
        encoding = from_bom or encoding
    return codecs.getincrementaldecoder(encoding)(file_format.encoding_errors)


def _available(stream: IO[bytes]) -> bytes:
    """The bytes that have arrived, at least one; none at the end."""
    chunk: bytes = getattr(stream, "read1", stream.read)(N_BYTES)
    return chunk


def _table(lines: list[str]) -> pd.DataFrame:
    return pd.DataFrame({COLUMN: [line.removesuffix("\r") for line in lines]})
