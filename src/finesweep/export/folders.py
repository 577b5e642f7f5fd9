"""Folders that an export writes: whole or not at all, and never over other files."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from finesweep.disk import written_aside
from finesweep.errors import ConfigError, Problem


def require_free(folder: Path, *, field: str) -> None:
    """ConfigError when folder exists with anything in it, or is a file."""
    if folder.is_dir():
        if any(folder.iterdir()):
            raise ConfigError(Problem(field, f"{folder} exists and is not empty"))
    elif folder.exists():
        raise ConfigError(Problem(field, f"{folder} is a file; name a new folder"))


@contextmanager
def new_folder(folder: Path, *, field: str) -> Iterator[Path]:
    """A temporary folder beside folder, renamed to it when the block ends without an error.

    ConfigError when it cannot be written.
    """
    target = folder.absolute()
    require_free(target, field=field)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with written_aside(target) as aside:
            aside.mkdir()
            yield aside
    except OSError as error:
        raise ConfigError(Problem(field, f"{folder}: {error.strerror or error}")) from error
