"""Databases by their URL: SQLite files made whole, passwords hidden, outages known."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from filelock import FileLock
from sqlalchemy.exc import DBAPIError, PendingRollbackError

from finesweep.disk import written_aside

SQLITE = "sqlite:///"
PASSWORD = re.compile(r"(://[^:/@\s]*:)[^@\s]*@")
CONNECT_SECONDS = 5
"""For a database server to answer at all."""
OUTAGES = ("OperationalError", "InterfaceError", "AdminShutdown", "DiskFull", "CrashShutdown")
"""Of sqlite3 and psycopg, by name, so that neither must be installed for the other."""


def sqlite_file(url: str) -> Path | None:
    """The file of a SQLite URL; None for one in memory, and for any other database or server."""
    if not url.startswith(SQLITE) or ":memory:" in url:
        return None
    return Path(url.removeprefix(SQLITE).split("?")[0])


def hidden_password(text: str) -> str:
    """text for messages and logs: with *** where the password of a URL stood."""
    return PASSWORD.sub(r"\g<1>***@", text)


def is_away(error: BaseException | None) -> bool:
    """Whether it says that a database is away, locked for too long, or out of disk space."""
    # Optuna asks once more in the transaction whose connection was lost, and hears only of that.
    if isinstance(error, PendingRollbackError):
        return True
    if not isinstance(error, DBAPIError):
        return False
    return type(error.orig).__name__ in OUTAGES or error.connection_invalidated


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
            with written_aside(database) as aside:
                build(f"{SQLITE}{aside}")
