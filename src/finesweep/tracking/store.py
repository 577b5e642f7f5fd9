"""The MLflow store: its first use made safe, its experiment found or made."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import mlflow
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException
from sqlalchemy.exc import SQLAlchemyError

from finesweep.config import TrackingConfig
from finesweep.databases import ensure_sqlite
from finesweep.errors import ConfigError, Problem


@dataclass(frozen=True)
class Store:
    """An MLflow client and the one experiment that this project writes to."""

    client: MlflowClient
    experiment_id: str
    uri: str


def open_store(config: TrackingConfig) -> Store:
    """The store, ready for any number of writers; ConfigError when it cannot be reached.

    mlflow.transformers.log_model only knows a process-wide URI and experiment, so these are set
    here too; runs are still written by explicit id.
    """
    try:
        ensure_sqlite(config.uri, lambda url: MlflowClient(tracking_uri=url).search_experiments())
        mlflow.set_tracking_uri(config.uri)
        client = MlflowClient(tracking_uri=config.uri)
        store = Store(client, _experiment(client, config), config.uri)
        mlflow.set_experiment(experiment_id=store.experiment_id)
        return store
    except (MlflowException, SQLAlchemyError, ImportError, OSError) as error:
        message = f"cannot open {config.uri!r}: {str(error).strip().splitlines()[0]}"
        raise ConfigError(Problem("tracking.uri", message)) from error


def _experiment(client: MlflowClient, config: TrackingConfig) -> str:
    found = client.get_experiment_by_name(config.experiment)
    if found is not None:
        return str(found.experiment_id)
    try:
        return str(client.create_experiment(config.experiment, _location(config.artifacts)))
    except MlflowException:
        # Another process made it in between.
        found = client.get_experiment_by_name(config.experiment)
        if found is None:
            raise
        return str(found.experiment_id)


def _location(artifacts: str) -> str:
    return artifacts if "://" in artifacts else Path(artifacts).absolute().as_uri()
