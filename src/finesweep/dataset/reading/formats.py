"""One reader for each file format, by extension: a file in, tables of all columns out.

A reader yields pieces of at most n_rows rows in the file's order, and raises ValueError, OSError,
EOFError or pyarrow's own error when it comes to content that is not of its format, and ConfigError
when the user must decide how it is read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from finesweep.dataset.reading.compression import open_compressed, plain_suffix
from finesweep.dataset.reading.pieces import Format, Piece, TableFile
from finesweep.dataset.reading.tables.columnar import read_arrow, read_parquet
from finesweep.dataset.reading.tables.delimited import read_delimited
from finesweep.dataset.reading.tables.fasttext import PREFIX, read_fasttext
from finesweep.dataset.reading.tables.objects import read_json
from finesweep.dataset.reading.tables.spreadsheets import read_excel

__all__ = ["PLAIN", "READERS", "Format", "Piece", "Reader", "TableFile", "reader_of"]

Reader = Callable[[TableFile, int], Iterator[Piece]]
READERS: dict[str, Reader] = {
    ".csv": partial(read_delimited, usual=","),
    ".tsv": partial(read_delimited, usual="\t"),
    ".tab": partial(read_delimited, usual="\t"),
    ".psv": partial(read_delimited, usual="|"),
    ".jsonl": read_json,
    ".ndjson": read_json,
    ".json": read_json,
    ".parquet": read_parquet,
    ".arrow": read_arrow,
    ".feather": read_arrow,
    ".xlsx": read_excel,
    ".xlsm": read_excel,
}
PLAIN: tuple[str, ...] = (".txt", ".text", ".dat", ".data", ".ft", "")
"""Extensions that say no more than that a file holds text: how, is found by looking."""
STARTS: dict[bytes, Reader] = {
    b"PAR1": read_parquet,
    b"ARROW1": read_arrow,
    b"PK\x03\x04": read_excel,
    b"[": read_json,
    b"{": read_json,
}
"""How a file without a telling extension begins → its reader."""


def reader_of(path: Path) -> Reader | None:
    """By the extension, or the first bytes of a file whose extension says nothing; None where the
    extension is of no kind that can be read."""
    suffix = plain_suffix(path)
    with open_compressed(path) as (stream, _):
        start = stream.read(64)
    # A header never begins so; its users give fastText's files all kinds of extensions.
    if start.lstrip(b"\xef\xbb\xbf \r\n").startswith(PREFIX.encode()):
        return read_fasttext
    if suffix not in PLAIN:
        return READERS.get(suffix)
    found = (reader for mark, reader in STARTS.items() if start.lstrip().startswith(mark))
    return next(found, partial(read_delimited, usual=None))
