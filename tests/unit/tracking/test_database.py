"""A database server as the tracking store: created once, outages found soon, no password shown."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import (
    BAD_REQUEST,
    INTERNAL_ERROR,
    INVALID_PARAMETER_VALUE,
    PERMISSION_DENIED,
    TEMPORARILY_UNAVAILABLE,
)
from sqlalchemy import create_engine, text
from sqlalchemy.exc import IntegrityError, OperationalError
from sqlalchemy.pool import NullPool
from tests.postgresql import new_database
from tests.unit.tracking.openers import opened_at_once
from tests.unit.tracking.outboxes import END, known, opened, write_trial

from finesweep.config import TrackingConfig
from finesweep.databases import hidden_password
from finesweep.errors import ConfigError
from finesweep.tracking import deliver, open_store, start_run
from finesweep.tracking.outages import is_tracking_outage, one_line


@pytest.fixture
def postgres() -> Iterator[str]:
    """The URI of an empty database, dropped afterwards."""
    with new_database() as url:
        yield url.replace("postgresql:", "postgresql+psycopg:")


@pytest.mark.slow
def test_processes_that_meet_an_empty_postgres_make_one_store(postgres: str) -> None:
    assert opened_at_once(postgres, 3) == ["1"] * 3
    with create_engine(postgres, poolclass=NullPool).connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM runs")).scalar_one() == 3


@pytest.mark.slow
def test_a_run_replayed_into_postgres_equals_a_directly_logged_one(
    postgres: str, tmp_path: Path
) -> None:
    store = open_store(TrackingConfig(uri=postgres, artifacts=str(tmp_path / "artifacts")))
    run = start_run(store, name="3 minilm", tags={"finesweep.kind": "trial", "finesweep.slot": 3})
    write_trial(run, tmp_path / "files")
    run.set_tags(END)
    run.finish("FINISHED")
    outbox = opened(tmp_path, "postgres")
    write_trial(outbox, tmp_path / "files")
    deliver(outbox.folder, store)
    (outbox.folder / "progress.json").unlink()
    outbox.close("FINISHED", END)
    assert known(store, deliver(outbox.folder, store)) == known(store, run.run_id)


def test_a_database_that_does_not_answer_is_named_soon_without_its_password(
    caplog: pytest.LogCaptureFixture,
) -> None:
    uri = "postgresql+psycopg://user:s3cret@127.0.0.1:1/mlflow"
    with pytest.raises(ConfigError, match=r"cannot open 'postgresql\+psycopg://user:\*\*\*@") as e:
        open_store(TrackingConfig(uri=uri))
    assert "s3cret" not in str(e.value)
    assert "Operation will be retried" not in caplog.text  # MLflow's ten tries


@pytest.mark.parametrize(
    ("uri", "shown"),
    [
        ("postgresql://u:p%40ss@h:5432/d", "postgresql://u:***@h:5432/d"),
        ("http://u:secret@h:5000", "http://u:***@h:5000"),
        ("http://h:5000/path", "http://h:5000/path"),
        ("sqlite:///mlruns/mlflow.db", "sqlite:///mlruns/mlflow.db"),
        ("mlruns", "mlruns"),
    ],
)
def test_no_password_is_shown(uri: str, shown: str) -> None:
    assert hidden_password(uri) == shown
    assert (
        one_line(OSError(f"request to {uri}/api failed\nmore")) == f"request to {shown}/api failed"
    )


@pytest.mark.parametrize(
    ("error", "outage"),
    [
        (MlflowException("x", INTERNAL_ERROR), True),
        (MlflowException("x", TEMPORARILY_UNAVAILABLE), True),
        (MlflowException("x", PERMISSION_DENIED), True),
        (MlflowException("x", INVALID_PARAMETER_VALUE), False),
        (MlflowException("x", BAD_REQUEST), False),
        (OperationalError("x", None, sqlite3.OperationalError("locked")), True),
        (IntegrityError("x", None, Exception()), False),
        (IntegrityError("x", None, Exception(), connection_invalidated=True), True),
        (ConnectionRefusedError("x"), True),
        (TypeError("x"), False),
        (KeyError("x"), False),
    ],
)
def test_an_outage_is_what_can_pass(error: Exception, outage: bool) -> None:
    assert is_tracking_outage(error) is outage
    wrapped = RuntimeError("storage")
    wrapped.__cause__ = error
    assert is_tracking_outage(wrapped) is outage
