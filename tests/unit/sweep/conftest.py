"""Sweep files written in an empty folder, and composed as the command line does it."""

from __future__ import annotations

import gc
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from textwrap import dedent

import psycopg
import pytest
from optuna.storages import BaseStorage
from tests.postgresql import new_database

from finesweep.config import SweepPlan, compose_sweep
from finesweep.sweep.study.storage import open_storage

PlanOf = Callable[..., SweepPlan]
Opened = Callable[..., BaseStorage]
Start = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def plan_of(workplace: Path) -> PlanOf:
    """The plan of a sweep named own, from the text of its file and from overrides."""

    def composed(text: str, *overrides: str) -> SweepPlan:
        file = workplace / "sweeps" / "own.yaml"
        file.parent.mkdir(exist_ok=True)
        file.write_text(f"# @package sweep\n{dedent(text)}", encoding="utf-8")
        return compose_sweep("own", overrides)

    return composed


@pytest.fixture(scope="session")
def postgresql_database() -> Iterator[str]:
    """A database of this test session's own on the local server, dropped at the end."""
    with new_database() as url:
        yield url


@pytest.fixture
def postgresql_url(postgresql_database: str) -> str:
    """An empty database: that of the session, without what earlier tests left in it."""
    with psycopg.connect(postgresql_database, autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        connection.execute("DROP SCHEMA public CASCADE")
        connection.execute("CREATE SCHEMA public")
    return postgresql_database


@pytest.fixture(params=["sqlite", "postgresql"])
def storage_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty database of either kind."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'optuna.db'}"
    url: str = request.getfixturevalue("postgresql_url")
    return url


@pytest.fixture
def opened() -> Iterator[Opened]:
    """open_storage whose connections are closed when the test ends."""
    storages: list[BaseStorage] = []

    def opening(url: str, **how: object) -> BaseStorage:
        storages.append(open_storage(url, **how))  # type: ignore[arg-type]
        return storages[-1]

    yield opening
    for storage in storages:
        storage.remove_session()
        storage.engine.dispose()
    gc.collect()  # psycopg warns of connections that Optuna left open, here and not later


@pytest.fixture
def start() -> Iterator[Start]:
    """Starts Python code in a process of its own, which is killed when the test ends."""
    processes: list[subprocess.Popen[str]] = []

    def started(code: str, *arguments: object) -> subprocess.Popen[str]:
        command = [sys.executable, "-c", dedent(code), *map(str, arguments)]
        processes.append(subprocess.Popen(command, stdout=subprocess.PIPE, text=True))
        return processes[-1]

    yield started
    for process in processes:
        process.kill()
        process.communicate()
