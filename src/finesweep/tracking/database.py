"""A database server as MLflow's backend: it answers soon or is away, and gets its tables once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url
from sqlalchemy.pool import NullPool

from finesweep.databases import CONNECT_SECONDS

BUILD_SECONDS = 120
"""For another process to make the tables, which takes about three."""
LOCK = 0x66696E65
"""Of PostgreSQL's advisory locks the one that this project takes: "fine" in ASCII."""
WITH_CONNECT_TIMEOUT = {"psycopg", "psycopg2", "pymysql", "mysqldb"}


@contextmanager
def first_use(uri: str) -> Iterator[None]:
    """One process at a time, the database's server known to answer; other URIs just pass.

    MLflow tries an unreachable database ten times, 101 seconds in all, so it is asked here first.
    And of two processes that meet an empty PostgreSQL database, one fails on the other's tables.
    """
    if not uri.startswith(("postgresql", "mysql")):
        yield
        return
    engine = create_engine(uri, poolclass=NullPool, connect_args=_connect_args(uri))
    with engine.connect() as connection:
        if engine.dialect.name == "postgresql":
            connection.execute(text(f"SET LOCAL lock_timeout = '{BUILD_SECONDS}s'"))
            # Gone with the connection's transaction, however this process ends.
            connection.execute(text(f"SELECT pg_advisory_xact_lock({LOCK})"))
        yield


def _connect_args(uri: str) -> dict[str, Any]:
    bounded = make_url(uri).get_driver_name() in WITH_CONNECT_TIMEOUT
    return {"connect_timeout": CONNECT_SECONDS} if bounded else {}
