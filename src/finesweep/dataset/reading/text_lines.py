"""Texts that stand one in each line: in a file, or arriving on standard input."""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import pandas as pd
import pyarrow as pa

from finesweep.dataset.reading.compression import open_compressed
from finesweep.dataset.reading.encodings import likely_encoding
from finesweep.dataset.reading.files import encoding_problem
from finesweep.dataset.reading.formats import Piece
from finesweep.errors import ConfigError, Problem

COLUMN = "text"
N_BYTES = 65_536
MARK = "\ufeff"
MARKED = {
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
"""Byte order mark → the encoding that it says; the longer ones begin as the shorter do."""
NULS = "it has NUL bytes, as encodings of two bytes have"


def read_lines(path: Path, *, field: str, encoding: str, hint: str) -> Iterator[Piece]:
    """Pieces of one column, `text`, with a row for each line.

    ConfigError, naming field, when the file is empty or cannot be read; hint is how to give another
    encoding.
    """
    is_empty = True
    try:
        with open_compressed(path) as (stream, share_read):
            for rows in stream_lines(stream, encoding=encoding):
                is_empty = False
                yield Piece(rows, share_read())
    except UnicodeDecodeError as error:
        told = (
            f"{path} {bytes_problem(error, hint)}"
            if error.reason == NULS
            else encoding_problem(path, encoding, hint)
        )
        raise ConfigError(Problem(field, told)) from error
    except (OSError, EOFError, pa.ArrowException) as error:
        why = getattr(error, "strerror", None) or str(error).strip()
        raise ConfigError(Problem(field, f"{path}: {why}")) from error
    if is_empty:
        raise ConfigError(Problem(field, f"{path} is empty"))


def bytes_problem(error: UnicodeDecodeError, hint: str) -> str:
    """What to say of bytes that are of another encoding, and which one to try."""
    content = bytes(error.object)
    if error.reason == NULS:
        likely = "utf-16-le" if content[1::2].count(0) > content[::2].count(0) else "utf-16-be"
    else:
        likely = likely_encoding(content) or "cp1252"
    return f"is not {error.encoding} ({error.reason}); try {hint}{likely}"


def stream_lines(stream: IO[bytes], *, encoding: str) -> Iterator[pd.DataFrame]:
    """Tables of one column, `text`, with a row for each line, blank ones too, as soon as whole
    lines are there: what has arrived does not wait for what has not.

    A line ends with \\n or \\r\\n, and with nothing else that some take for an end (a form feed,
    U+0085, U+2028), because texts hold these. A byte order mark is no part of the first line, and
    says the encoding where that would be UTF-8. UnicodeDecodeError where it is another.
    """
    some = _available(stream)
    decoder = _decoder(some, encoding)
    begun: list[str] = []
    """Of a line whose end has not arrived."""
    is_start = True
    while True:
        text = decoder.decode(some, final=not some)
        if is_start and text:
            text, is_start = text.removeprefix(MARK), False
        *whole, rest = text.split("\n")
        if whole:
            whole[0] = "".join([*begun, whole[0]])
            begun = []
            yield _table(whole)
        begun.append(rest)
        if not some:
            break
        some = _available(stream)
    if last := "".join(begun):
        yield _table([last])


def _decoder(start: bytes, encoding: str) -> codecs.IncrementalDecoder:
    if codecs.lookup(encoding).name in ("utf-8", "utf-8-sig"):
        marked = next((name for mark, name in MARKED.items() if start.startswith(mark)), None)
        if marked is None and start.count(0) > len(start) / 5:
            place = start.index(0)
            raise UnicodeDecodeError(encoding, start, place, place + 1, NULS)
        encoding = marked or encoding
    return codecs.getincrementaldecoder(encoding)()


def _available(stream: IO[bytes]) -> bytes:
    """What has arrived, at least a byte; nothing at the end."""
    some: bytes = getattr(stream, "read1", stream.read)(N_BYTES)
    return some


def _table(lines: list[str]) -> pd.DataFrame:
    return pd.DataFrame({COLUMN: [line.removesuffix("\r") for line in lines]})
