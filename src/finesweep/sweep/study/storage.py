"""Optuna's storage: SQLite for one machine, PostgreSQL for several, made safe for many workers."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import wraps
from math import inf
from typing import Any, TypeVar

import optuna
from filelock import FileLock
from optuna.exceptions import StorageInternalError
from optuna.storages import RDBStorage
from optuna.storages._cached_storage import _CachedStorage
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

DIALECTS = ("sqlite", "postgresql")
BUSY_SECONDS = 60
"""How long a SQLite connection waits for another process's transaction."""
LONGEST_PAUSE_SECONDS = 10.0

T = TypeVar("T")
OnWait = Callable[[str], None]
"""Told why a call has to wait, before each pause; what it raises ends the waiting."""


def open_storage(url: str, *, on_wait: OnWait | None = None) -> _CachedStorage:
    """Optuna's storage at a SQLAlchemy URL; ConfigError when it cannot be opened.

    With on_wait a call waits for as long as the database is away or its disk is full.
    """
    # What Optuna says at INFO, the screen shows already; and it resets its loggers on import.
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    try:
        if (dialect := make_url(url).get_backend_name()) not in DIALECTS:
            raise ValueError(f"{dialect} is not supported; use SQLite or PostgreSQL")
        if dialect == "sqlite" and sqlite_file(url) is None:
            raise ValueError("workers share a file, as in sqlite:///mlruns/optuna.db")
        ensure_sqlite(url, optuna.storages.get_storage)
        storage = _build(url, on_wait)
    except (SQLAlchemyError, StorageInternalError, ImportError, OSError, ValueError) as error:
        first = str(error.__cause__ or error).splitlines()[0]
        message = f"cannot open {hidden_password(url)!r}: {first}"
        raise ConfigError(Problem("storage.url", message)) from error
    return _CachedStorage(storage)


def engine_of(storage: optuna.storages.BaseStorage) -> Engine:
    """The SQLAlchemy engine beneath a storage that open_storage made."""
    assert isinstance(storage, _CachedStorage)
    engine: Engine = storage._backend.engine
    return engine


def begin_immediately(engine: Engine) -> None:
    """Makes each SQLite transaction of the engine take the write lock when it begins.

    SELECT … FOR UPDATE does nothing in SQLite, so without this two workers can both read that a
    trial waits, and both claim it. pysqlite's own transactions are switched off: it would begin
    late and without the lock.
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
    if (database := sqlite_file(url)) is not None:
        storage = _storage(url, on_wait, connect_args={"timeout": BUSY_SECONDS})
        begin_immediately(storage.engine)
        with FileLock(database.with_suffix(".lock")):
            make_table(storage.engine)
        return storage
    # pool_pre_ping: after an outage a pooled connection is a dead one.
    kwargs: dict[str, Any] = {
        "pool_pre_ping": True,
        "connect_args": {"connect_timeout": CONNECT_SECONDS},
    }
    bare = create_engine(url, **kwargs)
    with exclusive(bare, "finesweep.tables"):  # two first users would both make the tables
        made = _storage(url, None, **kwargs)
        made.remove_session()  # it holds a connection that dispose() would not close
        made.engine.dispose()
        make_table(bare)
    bare.dispose()
    # Only now: without its tables Optuna's storage cannot even be constructed.
    return _storage(url, on_wait, skip_table_creation=True, skip_check=True, **kwargs)


def _storage(
    url: str,
    on_wait: OnWait | None,
    *,
    skip_table_creation: bool = False,
    skip_check: bool = False,
    **engine_kwargs: Any,
) -> RDBStorage:
    kind = RDBStorage if on_wait is None else _patient(on_wait)
    return kind(
        url,
        engine_kwargs=engine_kwargs,
        skip_table_creation=skip_table_creation,
        skip_compatibility_check=skip_check,
    )


CALLS = (
    "create_new_study",
    "delete_study",
    "set_study_user_attr",
    "set_study_system_attr",
    "get_study_id_from_name",
    "get_study_name_from_id",
    "get_study_directions",
    "get_study_user_attrs",
    "get_study_system_attrs",
    "get_all_studies",
    "_create_new_trial",
    "_set_trial_param",
    "set_trial_state_values",
    "set_trial_intermediate_value",
    "set_trial_user_attr",
    "set_trial_system_attr",
    "get_trial_id_from_study_id_trial_number",
    "get_trial",
    "_get_trials",
    "_get_best_trial_id",
)
"""What Optuna's cache asks of its backend."""


def _patient(on_wait: OnWait) -> type[RDBStorage]:
    """RDBStorage whose calls wait out an outage, told to on_wait."""
    calls = {name: _patiently(getattr(RDBStorage, name), on_wait) for name in CALLS}
    return type("PatientStorage", (RDBStorage,), calls)


def _patiently(call: Callable[..., Any], on_wait: OnWait) -> Callable[..., Any]:
    @wraps(call)
    def patient(*args: Any, **kwargs: Any) -> Any:
        return waiting_out(lambda: call(*args, **kwargs), on_wait)

    return patient


def waiting_out(call: Callable[[], T], on_wait: OnWait, *, most_seconds: float = inf) -> T:
    """What call returns, once the database answers and has room; other errors are raised, and this
    one too when it lasts for longer.

    Every call may be repeated: the worst that an unseen commit leaves behind is a second waiting
    trial of a slot, of which only one is ever claimed.
    """
    pause, deadline = 0.2, time.monotonic() + most_seconds
    while True:
        try:
            return call()
        except Exception as error:
            if not is_outage(error) or time.monotonic() > deadline:
                raise
            on_wait(str(error.__cause__ or error).splitlines()[0])
        time.sleep(pause)
        pause = min(2 * pause, LONGEST_PAUSE_SECONDS)


def is_outage(error: BaseException) -> bool:
    """Whether the database is away, locked for too long, or out of disk space."""
    cause: BaseException | None = error
    while isinstance(cause, StorageInternalError | ConfigError):
        cause = cause.__cause__
    return is_away(cause)
