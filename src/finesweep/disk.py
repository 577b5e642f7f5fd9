"""Atomic writes of files and folders, and checking and waiting for disk space."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from finesweep.errors import ConfigError, Problem

MANIFEST = "manifest.json"
MIN_FREE_BYTES = 512 * 1024**2
"""Free space required when a sweep starts: enough for the weights of one BERT base."""
FULL = (errno.ENOSPC, errno.EDQUOT)
PAUSE_SECONDS = 2.0
Write = Callable[[Path], None]


@contextmanager
def written_aside(path: Path) -> Iterator[Path]:
    """A temporary name beside path, for a file or a folder, renamed to path when the block ends.

    After an error in the block, what was written is removed and path is unchanged. An existing file
    is replaced; an existing folder that is not empty is an OSError.
    """
    # Hidden, so that listings skip it, and with the process id, since others may write too.
    aside = path.with_name(f".{path.name}.{os.getpid()}.new")
    _remove(aside)
    try:
        yield aside
        aside.replace(path)
    except BaseException:
        _remove(aside)  # a full disk needs its space back
        raise


def write_json(path: Path, value: Any) -> None:
    """Writes path atomically, and synced, so that it survives a power failure."""
    with written_aside(path) as aside, aside.open("w", encoding="utf-8") as file:
        json.dump(value, file)
        file.flush()
        os.fsync(file.fileno())


def commit(folder: Path, write: Write) -> None:
    """Creates folder with the files of write(folder), hashed and synced, atomically.

    The manifest is written last, before the rename; a folder without it was not committed.
    """
    with written_aside(folder) as aside:
        aside.mkdir(parents=True)
        write(aside)
        files = {str(path.relative_to(aside)): _described(path) for path in _files(aside)}
        (aside / MANIFEST).write_text(json.dumps(files), encoding="utf-8")
        for path in [*_files(aside), aside]:
            _sync(path)
        shutil.rmtree(folder, ignore_errors=True)
    _sync(folder.parent)


def is_committed(folder: Path) -> bool:
    """Whether every file exists as it was committed, by size and SHA-256."""
    try:
        files = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        return all(_described(folder / name) == known for name, known in files.items())
    except (OSError, ValueError):
        return False


def nearest_existing(folder: Path) -> Path:
    """The folder, or the nearest one above it that exists."""
    whole = folder.absolute()
    return next(each for each in (whole, *whole.parents) if each.exists())


def require_space(
    root: str, *, min_bytes: int = MIN_FREE_BYTES, field: str = "storage.checkpoints"
) -> None:
    """ConfigError, naming field, when root's disk has too little space or is not writable."""
    try:
        Path(root).mkdir(parents=True, exist_ok=True)
        free = shutil.disk_usage(root).free
    except OSError as error:
        raise ConfigError(Problem(field, f"{root}: {error.strerror}")) from error
    if not os.access(root, os.W_OK):
        raise ConfigError(Problem(field, f"{root}: cannot be written"))
    if free < min_bytes:
        megabytes = f"{free / 1024**2:,.0f} MiB free at {root}, {min_bytes / 1024**2:,.0f} needed"
        raise ConfigError(Problem(field, f"no disk space: {megabytes}"))


def wait_for_space(write: Callable[[], None], on_wait: Callable[[str], None]) -> None:
    """Returns once write() succeeds; on_wait gets the reason before each pause, and may raise."""
    while True:
        try:
            return write()
        except Exception as error:
            if not _is_full(error):
                raise
            on_wait(" ".join(str(error).split()))
        time.sleep(PAUSE_SECONDS)


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        with suppress(OSError):  # if it cannot be removed, writing fails with the reason
            path.unlink(missing_ok=True)


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def _described(path: Path) -> list[int | str]:
    with path.open("rb") as file:
        return [path.stat().st_size, hashlib.file_digest(file, "sha256").hexdigest()]


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _is_full(error: BaseException) -> bool:
    if isinstance(error, OSError):
        return error.errno in FULL
    # safetensors raises its own error, which quotes the operating system's message.
    return "No space left on device" in str(error) or "os error 28" in str(error)
