"""The MLflow store: its first use made safe, its experiment found or made."""

from __future__ import annotations

import os
import re
import shlex
import sqlite3
from dataclasses import dataclass
from pathlib import Path

import mlflow
from mlflow import MlflowClient
from mlflow.entities import Experiment, LifecycleStage
from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import INVALID_PARAMETER_VALUE, ErrorCode
from sqlalchemy.exc import SQLAlchemyError

from finesweep.config import TrackingConfig
from finesweep.databases import ensure_sqlite, hidden_password
from finesweep.errors import ConfigError, Problem
from finesweep.tracking.database import first_use
from finesweep.tracking.outages import one_line
from finesweep.tracking.relocation import follow, home_of

ENVIRONMENT = {
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",  # of its own 7, at 120 s each, one call blocks minutes
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "5",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",  # costs a request for every run that ends
}
"""What MLflow reads of the environment, unless the user has set it."""
REFUSED = ErrorCode.Name(INVALID_PARAMETER_VALUE)
URI = re.compile(r"[a-z][a-z0-9+.-]+:/")
"""s3://bucket and mlflow-artifacts:/folder; a drive's letter stands alone."""


@dataclass(frozen=True)
class TrackingStore:
    """An MLflow client and the one experiment that this project writes to."""

    client: MlflowClient
    experiment_id: str
    uri: str


def open_store(config: TrackingConfig) -> TrackingStore:
    """The store, ready for any number of writers; ConfigError when it cannot be reached.

    mlflow.transformers.log_model only knows a process-wide URI and experiment, so these are set
    here too; runs are still written by explicit id. A store whose folder was moved is set right.
    """
    for name, value in ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    try:
        ensure_sqlite(config.uri, lambda url: MlflowClient(tracking_uri=url).search_experiments())
        follow(config.uri)
        with first_use(config.uri):
            client = MlflowClient(tracking_uri=config.uri)
            store = TrackingStore(client, _experiment(client, config), config.uri)
        mlflow.set_tracking_uri(config.uri)
        mlflow.set_experiment(experiment_id=store.experiment_id)
        return store
    except (MlflowException, SQLAlchemyError, sqlite3.Error, ImportError, OSError) as error:
        message = f"cannot open {hidden_password(config.uri)!r}: {one_line(error)}"
        raise ConfigError(Problem("tracking.uri", message)) from error


def _experiment(client: MlflowClient, config: TrackingConfig) -> str:
    name = config.experiment
    found = client.get_experiment_by_name(name)
    if found is None:
        try:
            location, tags = _location(config.artifacts), home_of(config.uri)
            return str(client.create_experiment(name, location, tags))
        except MlflowException as error:
            # Another process may have made it in between.
            found = client.get_experiment_by_name(name)
            if found is None and error.error_code == REFUSED:
                raise ConfigError(Problem("tracking.experiment", one_line(error))) from error
            if found is None:
                raise
    if found.lifecycle_stage != LifecycleStage.ACTIVE:
        raise ConfigError(Problem("tracking.experiment", _deleted(found, config)))
    return str(found.experiment_id)


def _deleted(found: Experiment, config: TrackingConfig) -> str:
    """What is said of an experiment that somebody deleted: its name is taken for good."""
    restore = f"mlflow experiments restore --experiment-id {found.experiment_id}"
    uri = shlex.quote(hidden_password(config.uri))
    return (
        f"{config.experiment!r} was deleted; bring it back with"
        f" `MLFLOW_TRACKING_URI={uri} {restore}`, or name another with tracking.experiment=…"
    )


def _location(artifacts: str) -> str:
    return artifacts if URI.match(artifacts) else Path(artifacts).absolute().as_uri()
