"""The MLflow store: its first use made safe, its experiment found or made."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import mlflow
from filelock import FileLock
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException, RestException

from finesweep.config import TrackingConfig
from finesweep.errors import ConfigError, Problem

SQLITE = "sqlite:///"


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
    _initialise(config.uri)
    mlflow.set_tracking_uri(config.uri)
    client = MlflowClient(tracking_uri=config.uri)
    try:
        store = Store(client, _experiment(client, config), config.uri)
        mlflow.set_experiment(experiment_id=store.experiment_id)
        return store
    except (MlflowException, OSError) as error:
        message = f"cannot open {config.uri!r}: {str(error).splitlines()[0]}"
        raise ConfigError(Problem("tracking.uri", message)) from error


def _initialise(uri: str) -> None:
    """Makes a fresh SQLite file complete before its name exists.

    Several processes that meet an empty MLflow database break it for good; so one of them builds
    it aside, under a lock, and renames it.
    """
    if not uri.startswith(SQLITE):
        return
    database = Path(uri.removeprefix(SQLITE))
    database.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(database.with_suffix(".lock")):
        if not database.exists():
            aside = database.with_suffix(f".{os.getpid()}.new")
            aside.unlink(missing_ok=True)
            MlflowClient(tracking_uri=f"{SQLITE}{aside}").search_experiments()
            aside.replace(database)


def _experiment(client: MlflowClient, config: TrackingConfig) -> str:
    found = client.get_experiment_by_name(config.experiment)
    if found is not None:
        return str(found.experiment_id)
    try:
        return str(client.create_experiment(config.experiment, _location(config.artifacts)))
    except (MlflowException, RestException):
        # Another process made it in between.
        found = client.get_experiment_by_name(config.experiment)
        if found is None:
            raise
        return str(found.experiment_id)


def _location(artifacts: str) -> str:
    return artifacts if "://" in artifacts else Path(artifacts).absolute().as_uri()
