"""Tables from the user's files, and messages for files that are not what their extension says."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd
import pyarrow as pa

from finesweep.config.package_files import packaged_path
from finesweep.dataset.reading.compression import COMPRESSED, open_compressed, plain_suffix
from finesweep.dataset.reading.encodings import (
    detect_encoding,
    likely_encoding,
    note_replaced_characters,
    open_text,
)
from finesweep.dataset.reading.formats import PLAIN, READERS, Format, Piece, TableFile, reader_of
from finesweep.errors import ConfigError, Problem, nearest
from finesweep.wording import counted

SIGNATURES = {
    b"PAR1": "a parquet file",
    b"\x89PNG": "a PNG picture",
    b"\xff\xd8\xff": "a JPEG picture",
    b"ARROW1": "an Arrow file",
    b"PK\x03\x04": "a ZIP archive or an Excel sheet",
    b"\xd0\xcf\x11\xe0": "an Excel sheet from before 2007, or another old Office file",
    b"\x80\x04\x95": "a pickle, which could run any code when loaded",
    b"SQLite format 3": "a database",
    b"{\\rtf": "an RTF document",
    b"\x1f\x8b": "compressed with gzip",
    b"%PDF": "a PDF",
    b"<!DOCTYPE": "a web page",
    b"<!doctype": "a web page",
    b"<html": "a web page",
}
BINARY: dict[bytes, tuple[str, ...]] = {
    b"PAR1": (".parquet",),
    b"ARROW1": (".arrow", ".feather"),
    b"PK\x03\x04": (".xlsx", ".xlsm"),
}
"""First bytes → extensions that they are valid for."""
N_ROWS = 100_000


@dataclass(frozen=True)
class Table:
    """All rows of a file."""

    rows: pd.DataFrame
    """All columns; those of text files are strings, and only empty cells are missing."""
    class_names: Mapping[str, tuple[str, ...]]
    """Column → names of its classes 0 … C-1, if the file has them."""


def read_file(
    file: str, *, field: str, file_format: Format, on_note: Callable[[str], None]
) -> Table:
    """The file's table; on_note is called with guesses about its format and with what was left out.

    ConfigError for field if the file is absent, empty or not what its extension says.
    """
    hint = "dataset.encoding="
    pieces = list(
        read_pieces(
            file, field=field, file_format=file_format, hint=hint, n_rows=N_ROWS, on_note=on_note
        )
    )
    rows = pd.concat([piece.rows for piece in pieces], ignore_index=True)
    return Table(rows, pieces[0].class_names)


def read_texts(
    files: Sequence[Path],
    columns: Mapping[str, str],
    *,
    field: str,
    file_format: Format,
    on_note: Callable[[str], None],
) -> pd.DataFrame:
    """One row per file, labelled with its folder's name; on_note is called with what was guessed,
    of the first file if there are several. ConfigError on a wrong encoding."""
    notes: list[str] = []
    texts = [_whole_text(TableFile(file, file_format, notes.append), field) for file in files]
    if notes:
        n_more = len(notes) - 1
        on_note(notes[0] + (f"; so for {counted(n_more, 'other file')}" if n_more else ""))
    labels = [file.parent.name for file in files]
    return pd.DataFrame({columns["text"]: texts, columns["label"]: labels})


def _whole_text(file: TableFile, field: str) -> str:
    encoding = detect_encoding(file)
    note_replaced_characters(file, encoding)
    try:
        with open_text(file, encoding) as (text, _):
            return text.read()
    except UnicodeDecodeError as error:
        problem = encoding_problem(file.path, file.format.encoding, "dataset.encoding=")
        raise ConfigError(Problem(field, problem)) from error


def read_pieces(
    file: str,
    *,
    field: str,
    file_format: Format,
    hint: str,
    n_rows: int,
    on_note: Callable[[str], None] = lambda note: None,
) -> Iterator[Piece]:
    """The file's table in pieces of 1 to n_rows rows, read lazily; ConfigError where the file is
    broken. hint is the option that sets another encoding."""
    path = packaged_path(file, field=field)
    try:
        problem, n_pieces = _file_problem(path), 0
        if problem is None and (reader := reader_of(path)):
            for piece in reader(TableFile(path, file_format, on_note), n_rows):
                if len(piece.rows):
                    n_pieces += 1
                    yield piece
            problem = None if n_pieces else f"{path} has no rows"
    except UnicodeDecodeError:
        problem = encoding_problem(path, file_format.encoding, hint)
    except ConfigError as error:
        # Options of the format keep their own field; problems of the file get the caller's.
        raise ConfigError(
            *(replace(p, path=field) if p.path == "dataset" else p for p in error.problems)
        ) from None
    except (ValueError, OSError, EOFError, KeyError, pa.ArrowException) as error:
        kind = "".join(path.suffixes[-2:]) or "a table"
        problem = f"{path} cannot be read as {kind}: {str(error).strip()}"
    if problem is not None:
        raise ConfigError(Problem(field, problem))


def _file_problem(path: Path) -> str | None:
    """A problem of the file before it is parsed, or None."""
    if path.is_dir():
        return f"{path} is a folder; name one file"
    if not path.exists():
        return f"{path} does not exist; {_neighbours(path)}"
    try:
        with open_compressed(path) as (stream, _):
            start = stream.read(4096)
    except (OSError, EOFError, ValueError, pa.ArrowException) as error:
        return f"{path} cannot be read as {path.suffix}: {str(error).strip()}"
    if reader_of(path) is None:
        listing = f"{', '.join(READERS)}, .txt, each also with {', '.join(COMPRESSED)}"
        what = _signature_kind(start)
        is_what = f"; it is {what}" if what else ""
        return f"{path}: extension {path.suffix!r} is not one of {listing}{is_what}"
    return _content_problem(path, start)


def _content_problem(path: Path, start: bytes) -> str | None:
    if not start.strip():
        return f"{path} is empty"
    suffix = plain_suffix(path)
    for signature, suffixes in BINARY.items():
        if start.startswith(signature) and suffix in (*suffixes, *PLAIN):
            return None
    if suffix in (".parquet", ".xlsx", ".xlsm"):
        kind = {".parquet": "a parquet file"}.get(suffix, "an Excel sheet")
        return f"{path} is not {kind}; it starts with {start[:24]!r}"
    if what := _signature_kind(start):
        return f"{path} is not {path.suffix or 'a table'} but {what}"
    return None


def _signature_kind(start: bytes) -> str | None:
    """The kind of a binary file with this start; None if it may be text."""
    return next((kind for mark, kind in SIGNATURES.items() if start.startswith(mark)), None)


def _neighbours(path: Path) -> str:
    """The nearest readable file name in the folder, and all of them."""
    if not path.parent.is_dir():
        return f"its folder {path.parent} does not exist either"
    names = [file.name for file in path.parent.iterdir() if plain_suffix(file) in READERS]
    return nearest(path.name, names) or f"the folder {path.parent} has no {', '.join(READERS)} file"


def encoding_problem(path: Path, encoding: str, hint: str) -> str:
    """The position of the first byte that is invalid in this encoding, and an encoding to try."""
    with open_compressed(path) as (stream, _):
        content = stream.read()
    where, n_wrong = "", 0
    try:
        content.decode(encoding)
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        where = f" at byte {error.start} (line {line}, 0x{content[error.start]:02x})"
        n_wrong = content.decode(encoding, "replace").count("\ufffd")
    likely = likely_encoding(content)
    if likely is None:
        counts = "1 invalid character" if n_wrong == 1 else f"{n_wrong:,} invalid characters"
        option = "dataset.encoding_errors=replace reads them as �"
        return f"{path} is not {encoding}{where}: {counts}; {option}"
    return f"{path} is not {encoding}{where}; try {hint}{likely}"
