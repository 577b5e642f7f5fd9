"""Transparent reading of compressed files."""

from __future__ import annotations

import bz2
import gzip
import lzma
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, cast

import pyarrow as pa

COMPRESSED = (".gz", ".zst", ".bz2", ".xz", ".zip")


def plain_suffix(path: Path) -> str:
    """The extension of the format, lower case: .csv for reviews.csv.gz."""
    if path.suffix.lower() not in COMPRESSED:
        return path.suffix.lower()
    inner = Path(path.stem).suffix.lower()
    if not inner and path.suffix.lower() == ".zip" and path.is_file():
        inner = Path(_zipped_name(path)).suffix.lower()
    return inner


@contextmanager
def open_compressed(path: Path) -> Iterator[tuple[IO[bytes], Callable[[], float]]]:
    """The decompressed content, and a function that returns the share read so far, in [0, 1].

    OSError, EOFError or pyarrow's own error if the file is broken; ValueError if an archive does
    not contain exactly one file.
    """
    size = max(1, path.stat().st_size)
    with path.open("rb") as raw:
        yield _expanded(raw, path.suffix.lower()), lambda: min(1.0, raw.tell() / size)


def _expanded(raw: IO[bytes], suffix: str) -> IO[bytes]:
    if suffix == ".gz":
        return cast("IO[bytes]", gzip.GzipFile(fileobj=raw))
    if suffix == ".zst":
        return cast("IO[bytes]", pa.CompressedInputStream(pa.PythonFile(raw, "r"), "zstd"))
    if suffix == ".bz2":
        return cast("IO[bytes]", bz2.BZ2File(raw))
    if suffix == ".xz":
        return cast("IO[bytes]", lzma.LZMAFile(raw))
    if suffix == ".zip":
        return _unzipped(raw)
    return raw


def _unzipped(raw: IO[bytes]) -> IO[bytes]:
    try:
        archive = zipfile.ZipFile(raw)
        return archive.open(_only_member(archive))
    except (zipfile.BadZipFile, RuntimeError) as error:  # encrypted archives raise a RuntimeError
        raise OSError(str(error)) from None


def _zipped_name(path: Path) -> str:
    """The name of the file in an archive; empty if unknown."""
    try:
        with zipfile.ZipFile(path) as archive:
            return _only_member(archive)
    except (zipfile.BadZipFile, ValueError, OSError):
        return ""


def _only_member(archive: zipfile.ZipFile) -> str:
    names = [
        name
        for name in archive.namelist()
        if not name.endswith("/") and not name.startswith("__MACOSX/")
    ]
    if len(names) != 1:
        listing = ", ".join(names[:5]) or "none"
        raise ValueError(f"the archive contains {len(names)} files ({listing}); one is expected")
    return names[0]
