"""Locks between processes, by a name and a database: SQLite's folder or PostgreSQL's server."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout
from sqlalchemy import Engine, create_engine, make_url, text
from sqlalchemy.pool import NullPool

from finesweep.databases import CONNECT_SECONDS, sqlite_file


def can_lock(url: str) -> bool:
    """Whether `exclusive` takes this URL: a SQLite file or a PostgreSQL server."""
    return sqlite_file(url) is not None or url.startswith("postgresql")


@contextmanager
def exclusive(database: Engine | str, name: str, *, wait: bool = True) -> Iterator[bool]:
    """Whether this process alone holds the lock of this name; released when it dies, too.

    database is an engine or a URL: a lock is a file beside a SQLite database, which need not
    exist, and an advisory lock of the session in PostgreSQL. Without wait the answer is False while
    another process holds it. ValueError for other databases.
    """
    url = database if isinstance(database, str) else str(database.url)
    if (file := sqlite_file(url)) is not None:
        with _file_lock(file.with_name(f"{file.stem}.{file_part(name)}.lock"), wait=wait) as held:
            yield held
        return
    if (dialect := make_url(url).get_backend_name()) != "postgresql":
        raise ValueError(f"{dialect} holds no locks; use SQLite or PostgreSQL")
    with _engine(database) as engine, _session_lock(engine, name, wait=wait) as held:
        yield held


def file_part(name: str) -> str:
    """name as a part of a file's name: itself where that can be, else with a digest that tells it
    from others."""
    plain = re.sub(r"[^\w.+-]", "_", name)
    if plain == name and len(name) <= 100:
        return name
    return f"{plain[:80]}-{hashlib.sha256(name.encode('utf-8', 'replace')).hexdigest()[:12]}"


@contextmanager
def _file_lock(path: Path, *, wait: bool) -> Iterator[bool]:
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(path, timeout=-1 if wait else 0):
            yield True
    except Timeout:
        yield False


@contextmanager
def _engine(database: Engine | str) -> Iterator[Engine]:
    """The engine given, or one of a URL, whose connections are closed at the end."""
    if not isinstance(database, str):
        yield database
        return
    timeout: dict[str, Any] = {"connect_timeout": CONNECT_SECONDS}
    engine = create_engine(database, poolclass=NullPool, connect_args=timeout)
    try:
        yield engine
    finally:
        engine.dispose()


@contextmanager
def _session_lock(engine: Engine, name: str, *, wait: bool) -> Iterator[bool]:
    call = "pg_advisory_lock" if wait else "pg_try_advisory_lock"
    # AUTOCOMMIT: a transaction left open would keep old rows alive for as long as the lock.
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        answer = connection.execute(text(f"SELECT {call}(hashtext(:name))"), {"name": name})
        held = wait or bool(answer.scalar())
        try:
            yield held
        finally:
            if held and not connection.invalidated:
                connection.execute(
                    text("SELECT pg_advisory_unlock(hashtext(:name))"), {"name": name}
                )
