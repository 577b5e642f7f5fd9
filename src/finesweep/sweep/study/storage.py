"""Optuna's storage, safe for many workers: SQLite on one machine, PostgreSQL on several."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial, wraps
from math import inf
from typing import Any, TypeVar

import optuna
from optuna.exceptions import StorageInternalError
from optuna.storages import RDBStorage
from sqlalchemy import Engine, create_engine, event, make_url
from sqlalchemy.exc import SQLAlchemyError

from finesweep.databases import (
    CONNECT_SECONDS,
    ensure_sqlite,
    hidden_password,
    is_away,
    sqlite_file,
)
from finesweep.errors import ConfigError, Problem
from finesweep.locks import exclusive
from finesweep.sweep.study.leases import make_table
from finesweep.sweep.study.optuna_private import storage_class

TABLES = "finesweep.tables"
"""Lock under which tables are created: two first processes would both create them."""
DIALECTS = ("sqlite", "postgresql")
BUSY_SECONDS = 60
"""Time that a SQLite connection waits for another process's transaction."""
MAX_PAUSE_SECONDS = 10.0

_fitting: set[str] = set()
"""URLs whose tables this process found to be of the installed Optuna: to look it up, all scripts
that ever changed the tables are read."""

T = TypeVar("T")
OnWait = Callable[[str], None]
"""Called with the reason before each pause of a waiting call; an exception ends the wait."""


def open_storage(url: str, *, on_wait: OnWait | None = None) -> RDBStorage:
    """Optuna's storage at a SQLAlchemy URL; ConfigError when it cannot be opened.

    With on_wait, calls wait while the database is away or its disk is full.
    """
    # The screen already shows what Optuna logs at INFO; Optuna resets its loggers on import.
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    try:
        if (dialect := make_url(url).get_backend_name()) not in DIALECTS:
            raise ValueError(f"{dialect} is not supported; use SQLite or PostgreSQL")
        if dialect == "sqlite" and sqlite_file(url) is None:
            raise ValueError("workers share a file, as in sqlite:///mlruns/optuna.db")
        ensure_sqlite(url, optuna.storages.get_storage)
        return _build(url, on_wait)
    except (SQLAlchemyError, StorageInternalError, ImportError, OSError, ValueError) as error:
        first = str(error.__cause__ or error).splitlines()[0]
        message = f"cannot open {hidden_password(url)!r}: {first}"
        raise ConfigError(Problem("storage.url", message)) from error


def begin_immediately(engine: Engine) -> None:
    """Makes every SQLite transaction of the engine take the write lock at its start.

    SELECT … FOR UPDATE does nothing in SQLite, so two workers could both read a trial as waiting
    and both claim it. pysqlite's own transactions are off: they begin late and without the lock.
    """

    @event.listens_for(engine, "connect")
    def _connected(connection: Any, record: Any) -> None:
        connection.isolation_level = None
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")

    @event.listens_for(engine, "begin")
    def _begun(connection: Any) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    engine.dispose()


def _build(url: str, on_wait: OnWait | None) -> RDBStorage:
    if sqlite_file(url) is not None:
        storage = _storage(url, on_wait, connect_args={"timeout": BUSY_SECONDS})
        begin_immediately(storage.engine)
        with exclusive(url, TABLES):
            make_table(storage.engine)
        return storage
    # pool_pre_ping: after an outage the pooled connections are dead.
    kwargs: dict[str, Any] = {
        "pool_pre_ping": True,
        "connect_args": {"connect_timeout": CONNECT_SECONDS},
    }
    bare = create_engine(url, **kwargs)
    with exclusive(bare, TABLES):
        storage = _storage(url, None, **kwargs)
        storage.remove_session()  # it holds a connection that dispose() would not close
        storage.engine.dispose()
        make_table(bare)
    bare.dispose()
    # Last: Optuna's storage cannot be constructed before its tables exist.
    return _storage(url, on_wait, skip_table_creation=True, **kwargs)


def _storage(
    url: str,
    on_wait: OnWait | None,
    *,
    skip_table_creation: bool = False,
    **engine_kwargs: Any,
) -> RDBStorage:
    kind = RDBStorage if on_wait is None else storage_class(partial(_retrying, on_wait))
    storage = kind(
        url,
        engine_kwargs=engine_kwargs,
        skip_table_creation=skip_table_creation,
        skip_compatibility_check=url in _fitting,
    )
    _fitting.add(url)
    return storage


def _retrying(on_wait: OnWait, call: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(call)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        return retry_while_away(lambda: call(*args, **kwargs), on_wait)

    return wrapper


def retry_while_away(call: Callable[[], T], on_wait: OnWait, *, max_seconds: float = inf) -> T:
    """The result of call, retried while the database is away or its disk is full; other errors are
    raised, and this one after max_seconds.

    Every call may be repeated: at worst, a commit whose reply was lost leaves a second waiting
    trial of a slot, and only one of them is ever claimed.
    """
    pause, deadline = 0.2, time.monotonic() + max_seconds
    while True:
        try:
            return call()
        except Exception as error:
            if not is_storage_outage(error) or time.monotonic() > deadline:
                raise
            on_wait(str(error.__cause__ or error).splitlines()[0])
        time.sleep(pause)
        pause = min(2 * pause, MAX_PAUSE_SECONDS)


def is_storage_outage(error: BaseException) -> bool:
    """Whether the database is away, locked for too long, or out of disk space."""
    cause: BaseException | None = error
    while isinstance(cause, StorageInternalError | ConfigError):
        cause = cause.__cause__
    return is_away(cause)
