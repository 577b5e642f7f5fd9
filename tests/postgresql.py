"""A real PostgreSQL at 127.0.0.1:5432: databases of a test's own, which can be made unreachable."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest

SERVER = "postgresql://postgres@127.0.0.1:5432"


@contextmanager
def new_database() -> Iterator[str]:
    """Its URL; dropped at the end. Where no server answers the test is skipped, but not in CI."""
    name = f"finesweep_test_{uuid.uuid4().hex}"
    try:
        _execute(f"CREATE DATABASE {name}")
    except psycopg.OperationalError as error:
        if os.environ.get("CI"):
            raise
        pytest.skip(f"no PostgreSQL server answers at 127.0.0.1:5432: {error}")
    yield f"{SERVER}/{name}"
    _execute(f"DROP DATABASE {name} WITH (FORCE)")


def cut_off(url: str) -> None:
    """Ends all connections to the database and refuses new ones, until admit is called."""
    name = url.rpartition("/")[2]
    _execute(
        f"ALTER DATABASE {name} ALLOW_CONNECTIONS false",
        f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'",
    )


def admit(url: str) -> None:
    _execute(f"ALTER DATABASE {url.rpartition('/')[2]} ALLOW_CONNECTIONS true")


def _execute(*statements: str) -> None:
    with psycopg.connect(f"{SERVER}/postgres", autocommit=True, connect_timeout=5) as server:
        for statement in statements:
            server.execute(statement.encode())
