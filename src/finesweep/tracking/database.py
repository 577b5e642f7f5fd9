"""A database server as MLflow's backend: checked quickly, its tables created once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url
from sqlalchemy.pool import NullPool

from finesweep.databases import CONNECT_SECONDS

BUILD_SECONDS = 120
"""Limit for another process to create the tables, which takes about three seconds."""
LOCK = 0x66696E65
"""Key of the project's PostgreSQL advisory lock: "fine" in ASCII."""
WITH_CONNECT_TIMEOUT = {"psycopg", "psycopg2", "pymysql", "mysqldb"}


@contextmanager
def first_use(uri: str) -> Iterator[None]:
    """Within it the database server has responded, and no other process is in such a block; a no-op
    without a database server.

    MLflow retries an unreachable database ten times, for 101 seconds, so the server is tried here
    first. And of two processes that open an empty PostgreSQL database, one fails on the other's
    tables.
    """
    if not uri.startswith(("postgresql", "mysql")):
        yield
        return
    engine = create_engine(uri, poolclass=NullPool, connect_args=_connect_args(uri))
    with engine.connect() as connection:
        if engine.dialect.name == "postgresql":
            connection.execute(text(f"SET LOCAL lock_timeout = '{BUILD_SECONDS}s'"))
            # Released with the connection's transaction, however this process ends.
            connection.execute(text(f"SELECT pg_advisory_xact_lock({LOCK})"))
        yield


def _connect_args(uri: str) -> dict[str, Any]:
    bounded = make_url(uri).get_driver_name() in WITH_CONNECT_TIMEOUT
    return {"connect_timeout": CONNECT_SECONDS} if bounded else {}
