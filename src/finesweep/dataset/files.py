"""Tables from the user's files, and what to say when a file is not what it is called."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pandas as pd
import pyarrow as pa

from finesweep.config.packaged import packaged_path
from finesweep.dataset.compression import COMPRESSED, opened, plain_suffix
from finesweep.dataset.formats import READERS, Piece
from finesweep.errors import ConfigError, Problem, nearest

SIGNATURES = {
    b"PAR1": "a parquet file",
    b"\x89PNG": "a PNG picture",
    b"\xff\xd8\xff": "a JPEG picture",
    b"PK\x03\x04": "a ZIP archive or an Excel sheet",
    b"\x1f\x8b": "compressed with gzip",
    b"%PDF": "a PDF",
    b"<!DOCTYPE": "a web page",
    b"<!doctype": "a web page",
    b"<html": "a web page",
}
N_ROWS = 100_000
UTF_16_MARKS = (b"\xff\xfe", b"\xfe\xff")


def read_file(
    file: str, *, field: str, encoding: str, hint: str = "dataset.encoding="
) -> pd.DataFrame:
    """The file's table, all its columns; text files as strings, with only empty cells missing.

    ConfigError, naming field, when it is absent, empty or not what its extension says; hint is how
    the user gives another encoding.
    """
    pieces = read_pieces(file, field=field, encoding=encoding, hint=hint, n_rows=N_ROWS)
    return pd.concat([piece.rows for piece in pieces], ignore_index=True)


def read_texts(
    files: Sequence[Path], columns: Mapping[str, str], *, field: str, encoding: str
) -> pd.DataFrame:
    """One row per file, whose label is the name of its folder; ConfigError on another encoding."""
    texts = []
    for file in files:
        try:
            texts.append(file.read_text(encoding))
        except UnicodeDecodeError as error:
            problem = encoding_problem(file, encoding, "dataset.encoding=")
            raise ConfigError(Problem(field, problem)) from error
    labels = [file.parent.name for file in files]
    return pd.DataFrame({columns["text"]: texts, columns["label"]: labels})


def read_pieces(file: str, *, field: str, encoding: str, hint: str, n_rows: int) -> Iterator[Piece]:
    """The same table in pieces of at most n_rows rows, at least one, the next one read when it is
    asked for; ConfigError where the file turns out to be broken."""
    path = packaged_path(file, field=field).expanduser()
    problem, n_pieces = _file_problem(path), 0
    if problem is None:
        try:
            for piece in READERS[plain_suffix(path)](path, encoding, n_rows):
                if len(piece.rows):
                    n_pieces += 1
                    yield piece
        except UnicodeDecodeError:
            problem = encoding_problem(path, encoding, hint)
        except (ValueError, OSError, EOFError, pa.ArrowException) as error:
            problem = f"{path} cannot be read as {''.join(path.suffixes)}: {str(error).strip()}"
        else:
            problem = None if n_pieces else f"{path} has no rows"
    if problem is not None:
        raise ConfigError(Problem(field, problem))


def _file_problem(path: Path) -> str | None:
    """What is wrong with the file before it is parsed, or None."""
    if path.is_dir():
        return f"{path} is a folder; name one file"
    if plain_suffix(path) not in READERS:
        known = f"{', '.join(READERS)}, each also with {' or '.join(COMPRESSED)}"
        return f"{path}: extension {path.suffix!r} is not one of {known}"
    if not path.exists():
        return f"{path} does not exist; {_neighbours(path)}"
    try:
        with opened(path) as (stream, _):
            start = stream.read(4096)
    except (OSError, EOFError, pa.ArrowException) as error:
        return f"{path} cannot be read as {path.suffix}: {str(error).strip()}"
    return _content_problem(path, start)


def _content_problem(path: Path, start: bytes) -> str | None:
    if not start.strip():
        return f"{path} is empty"
    is_parquet = start.startswith(b"PAR1")
    if is_parquet and plain_suffix(path) == ".parquet":
        return None
    if plain_suffix(path) == ".parquet":
        return f"{path} is not a parquet file; it starts with {start[:24]!r}"
    for signature, kind in SIGNATURES.items():
        if start.startswith(signature):
            return f"{path} is not {path.suffix} but {kind}"
    return None


def _neighbours(path: Path) -> str:
    """The nearest readable file of the folder, and all of them."""
    if not path.parent.is_dir():
        return f"nor does the folder {path.parent}"
    names = [file.name for file in path.parent.iterdir() if plain_suffix(file) in READERS]
    return nearest(path.name, names) or f"the folder {path.parent} has no {', '.join(READERS)} file"


def encoding_problem(path: Path, encoding: str, hint: str) -> str:
    """Where the first byte lies that is not of this encoding, and which one to try."""
    with opened(path) as (stream, _):
        content = stream.read()
    other = "utf-16" if content.startswith(UTF_16_MARKS) else "latin-1"
    where = ""
    try:
        content.decode(encoding)
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        where = f" at byte {error.start} (line {line}, 0x{content[error.start]:02x})"
    return f"{path} is not {encoding}{where}; try {hint}{other}"
