"""Database URLs: creating SQLite files atomically, hiding passwords, recognising outages."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from filelock import FileLock
from sqlalchemy.exc import DBAPIError, PendingRollbackError

from finesweep.disk import written_aside

STORAGE_URL = "FINESWEEP_STORAGE_URL"
"""Environment variable with the default of storage.url."""
SQLITE = "sqlite:///"
PASSWORD = re.compile(r"(://[^:/@\s]*:)[^@\s]*@")
CONNECT_SECONDS = 5
"""Timeout for connecting to a database server."""
OUTAGES = ("OperationalError", "InterfaceError", "AdminShutdown", "DiskFull", "CrashShutdown")
"""Errors of sqlite3 and psycopg, by name, so that psycopg need not be installed."""


def sqlite_file(url: str) -> Path | None:
    """The file of a SQLite URL; None for in-memory and other databases."""
    if not url.startswith(SQLITE) or ":memory:" in url:
        return None
    return Path(url.removeprefix(SQLITE).split("?")[0])


def absolute_url(url: str) -> str:
    """url with its SQLite file named from the root; any other as it stands.

    MLflow keeps what it has opened by its URL, and the current folder of a notebook may change.
    """
    database = sqlite_file(url)
    if database is None:
        return url
    return url.replace(str(database), str(database.absolute()), 1)


def hidden_password(text: str) -> str:
    """text with *** in place of passwords in URLs, for messages and logs."""
    return PASSWORD.sub(r"\g<1>***@", text)


def is_away(error: BaseException | None) -> bool:
    """Whether the error means that a database is away, locked for too long, or out of space."""
    # Optuna retries in the transaction whose connection was lost, and gets only this error.
    if isinstance(error, PendingRollbackError):
        return True
    if not isinstance(error, DBAPIError):
        return False
    return type(error.orig).__name__ in OUTAGES or error.connection_invalidated


def ensure_sqlite(url: str, build: Callable[[str], object]) -> None:
    """Creates the database of a SQLite URL with build(url) if it is missing; a no-op for others.

    Processes that open an empty database each try to create its tables, which breaks MLflow's
    permanently. So one process builds it aside, under a lock, and then renames it.
    """
    database = sqlite_file(url)
    if database is None or database.exists():
        return
    database.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(database.with_suffix(".lock")):
        if not database.exists():
            with written_aside(database) as aside:
                build(f"{SQLITE}{aside}")
