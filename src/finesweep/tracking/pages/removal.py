"""Removes from MLflow's pages what they show of a deleted sweep."""

from __future__ import annotations

from mlflow.exceptions import MlflowException

from finesweep.config import TrackingConfig
from finesweep.databases import sqlite_file
from finesweep.errors import FinesweepError
from finesweep.tracking.outages import one_line
from finesweep.tracking.pages.overview import describe_experiment
from finesweep.tracking.pages.views import delete_view
from finesweep.tracking.store import open_store


def remove_pages(config: TrackingConfig, sweep: str) -> None:
    """Removes the sweep's view, and its line in the experiment's description if its parent run was
    deleted; FinesweepError if MLflow is away or refuses it. A store that is not there stays so."""
    database = sqlite_file(config.uri)
    if database is not None and not database.exists():
        return
    store = open_store(config)
    try:
        delete_view(store, sweep)
        describe_experiment(store)
    except MlflowException as error:
        raise FinesweepError(one_line(error)) from error
