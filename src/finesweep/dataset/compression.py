"""Compressed files, read as if they were not."""

from __future__ import annotations

import gzip
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, cast

import pyarrow as pa

COMPRESSED = {".gz": "gzip", ".zst": "zstd"}


def plain_suffix(path: Path) -> str:
    """The extension that tells the format, lower case: .csv of reviews.csv.gz."""
    inner = Path(path.stem) if path.suffix.lower() in COMPRESSED else path
    return inner.suffix.lower()


@contextmanager
def opened(path: Path) -> Iterator[tuple[IO[bytes], Callable[[], float]]]:
    """The file's content as it was before compression, and how much has been read, in [0, 1].

    OSError, EOFError or pyarrow's own error where it is broken.
    """
    size = max(1, path.stat().st_size)
    with path.open("rb") as raw:
        yield _expanded(raw, path.suffix.lower()), lambda: raw.tell() / size


def _expanded(raw: IO[bytes], suffix: str) -> IO[bytes]:
    if suffix == ".gz":
        return cast("IO[bytes]", gzip.GzipFile(fileobj=raw))
    if suffix == ".zst":
        return cast("IO[bytes]", pa.CompressedInputStream(pa.PythonFile(raw, "r"), "zstd"))
    return raw
