"""One reader for each file format, by extension: from a file to tables of all columns.

A reader yields pieces of at most n_rows rows in the file's order. It raises ValueError, OSError,
EOFError or pyarrow's own error on content that is not in its format, and ConfigError if the user
must choose how to read it.
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
"""Extensions of text files whose format is guessed from the content."""
STARTS: dict[bytes, Reader] = {
    b"PAR1": read_parquet,
    b"ARROW1": read_arrow,
    b"PK\x03\x04": read_excel,
    b"[": read_json,
    b"{": read_json,
}
"""First bytes of a file with such an extension → its reader."""


def reader_of(path: Path) -> Reader | None:
    """The reader for the extension, or for the first bytes if the extension is in PLAIN; None if
    the extension is not supported."""
    suffix = plain_suffix(path)
    with open_compressed(path) as (stream, _):
        start = stream.read(64)
    # No header starts with this prefix, and fastText's files have all kinds of extensions.
    if start.lstrip(b"\xef\xbb\xbf \r\n").startswith(PREFIX.encode()):
        return read_fasttext
    if suffix not in PLAIN:
        return READERS.get(suffix)
    readers = (reader for mark, reader in STARTS.items() if start.lstrip().startswith(mark))
    return next(readers, partial(read_delimited, usual=None))
