"""Opening the MLflow tracking store: safe concurrent first use, and the experiment."""

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
from finesweep.databases import absolute_url, ensure_sqlite, hidden_password
from finesweep.errors import ConfigError, Problem
from finesweep.tracking.current import go_by
from finesweep.tracking.database import first_use
from finesweep.tracking.outages import one_line
from finesweep.tracking.relocation import home_tags, relocate

ENVIRONMENT = {
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",  # the default, 7 of 120 s each, blocks for minutes
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "5",
    # It collects the variables that are read while a model is logged, in a set that fails the run
    # if another thread reads one at the wrong moment; our models need none.
    "MLFLOW_RECORD_ENV_VARS_IN_MODEL_LOGGING": "false",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",  # costs a request per finished run
}
"""Environment variables of MLflow, set unless the user has set them."""
REFUSED = ErrorCode.Name(INVALID_PARAMETER_VALUE)
URI = re.compile(r"[a-z][a-z0-9+.-]+:/")
"""Matches s3://bucket and mlflow-artifacts:/folder, but not a drive letter."""


@dataclass(frozen=True)
class TrackingStore:
    """An MLflow client and the one experiment that this project writes to."""

    client: MlflowClient
    experiment_id: str
    uri: str


def open_store(config: TrackingConfig) -> TrackingStore:
    """The store, ready for any number of writers; ConfigError when it cannot be reached.

    mlflow.transformers.log_model only uses a process-wide URI and experiment, so these are set here
    too; runs are still written by explicit id. The paths of a store that was moved are updated.
    """
    for name, value in ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    uri = absolute_url(config.uri)
    try:
        ensure_sqlite(uri, lambda url: MlflowClient(tracking_uri=url).search_experiments())
        relocate(uri)
        with first_use(uri):
            client = MlflowClient(tracking_uri=uri)
            store = TrackingStore(client, _experiment(client, config), uri)
        go_by(uri)
        mlflow.set_experiment(experiment_id=store.experiment_id)
        return store
    except (MlflowException, SQLAlchemyError, sqlite3.Error, ImportError, OSError) as error:
        message = f"cannot open {hidden_password(config.uri)!r}: {one_line(error)}"
        raise ConfigError(Problem("tracking.uri", message)) from error


def _experiment(client: MlflowClient, config: TrackingConfig) -> str:
    name = config.experiment
    experiment = client.get_experiment_by_name(name)
    if experiment is None:
        try:
            location, tags = _location(config.artifacts), home_tags(config.uri)
            return str(client.create_experiment(name, location, tags))
        except MlflowException as error:
            # Another process may have created it meanwhile.
            experiment = client.get_experiment_by_name(name)
            if experiment is None and error.error_code == REFUSED:
                raise ConfigError(Problem("tracking.experiment", one_line(error))) from error
            if experiment is None:
                raise
    if experiment.lifecycle_stage != LifecycleStage.ACTIVE:
        raise ConfigError(Problem("tracking.experiment", _deleted_message(experiment, config)))
    return str(experiment.experiment_id)


def _deleted_message(experiment: Experiment, config: TrackingConfig) -> str:
    """An error message for an experiment that was deleted; its name stays in use."""
    restore = f"mlflow experiments restore --experiment-id {experiment.experiment_id}"
    uri = shlex.quote(hidden_password(config.uri))
    return (
        f"{config.experiment!r} was deleted; restore it with"
        f" `MLFLOW_TRACKING_URI={uri} {restore}`, or use another with tracking.experiment=…"
    )


def _location(artifacts: str) -> str:
    return artifacts if URI.match(artifacts) else Path(artifacts).absolute().as_uri()
