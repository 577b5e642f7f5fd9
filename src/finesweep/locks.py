"""Named locks between processes: files beside a SQLite database, or PostgreSQL's own."""

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
    """Whether `exclusive` supports this URL: a SQLite file or a PostgreSQL server."""
    return sqlite_file(url) is not None or url.startswith("postgresql")


@contextmanager
def exclusive(database: Engine | str, name: str, *, wait: bool = True) -> Iterator[bool]:
    """Whether this process holds the lock exclusively; it is also released when the process dies.

    database is an engine or a URL. The lock is a file beside a SQLite database, which need not
    exist, or a session's advisory lock in PostgreSQL. Without wait the value is False while another
    process holds it. ValueError for other databases.
    """
    url = database if isinstance(database, str) else str(database.url)
    if (file := sqlite_file(url)) is not None:
        with _file_lock(
            file.with_name(f"{file.stem}.{file_part(name)}.lock"), wait=wait
        ) as is_held:
            yield is_held
        return
    if (dialect := make_url(url).get_backend_name()) != "postgresql":
        raise ValueError(f"{dialect} has no locks; use SQLite or PostgreSQL")
    with _engine(database) as engine, _session_lock(engine, name, wait=wait) as is_held:
        yield is_held


def file_part(name: str) -> str:
    """name as a part of a file name: unchanged if it is safe, else simplified with a digest."""
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
    """The engine itself, or a new one for a URL, which is disposed of at the end."""
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
    # AUTOCOMMIT: an open transaction would prevent vacuuming for as long as the lock is is_held.
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        answer = connection.execute(text(f"SELECT {call}(hashtext(:name))"), {"name": name})
        is_held = wait or bool(answer.scalar())
        try:
            yield is_held
        finally:
            if is_held and not connection.invalidated:
                connection.execute(
                    text("SELECT pg_advisory_unlock(hashtext(:name))"), {"name": name}
                )
