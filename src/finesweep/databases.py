"""SQLite files that exist only when they are complete."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path

from filelock import FileLock

SQLITE = "sqlite:///"
PASSWORD = re.compile(r"(://[^:/@]*:)[^/]*@")


def sqlite_file(url: str) -> Path | None:
    """The file of a SQLite URL; None for any other database or server."""
    return Path(url.removeprefix(SQLITE).split("?")[0]) if url.startswith(SQLITE) else None


def hidden_password(url: str) -> str:
    """url for messages and logs: with *** where its password stood."""
    return PASSWORD.sub(r"\g<1>***@", url)


def ensure_sqlite(url: str, build: Callable[[str], object]) -> None:
    """Makes the database of a SQLite URL with build(url) where there is none; others are left.

    Processes that meet an empty database each try to make its tables, and MLflow's is broken for
    good by that. So one process builds it aside, under a lock, and then gives it its name.
    """
    database = sqlite_file(url)
    if database is None or database.exists():
        return
    database.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(database.with_suffix(".lock")):
        if not database.exists():
            aside = database.with_suffix(f".{os.getpid()}.new")
            aside.unlink(missing_ok=True)
            build(f"{SQLITE}{aside}")
            aside.replace(database)
