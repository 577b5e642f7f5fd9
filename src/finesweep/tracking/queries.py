"""Finding runs by their tags, and reading their artifacts."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from mlflow import MlflowClient
from mlflow.entities import LifecycleStage
from mlflow.exceptions import MlflowException

from finesweep.tracking.names import clause
from finesweep.tracking.outages import is_tracking_outage
from finesweep.tracking.runs import Run, Status
from finesweep.tracking.store import TrackingStore

TEST_FINGERPRINT = "finesweep.test_fingerprint"
"""Tag of each run that evaluated a test split: the fingerprint of its rows."""
ID_START = re.compile("[0-9a-f]{1,32}")
"""Matches the start of a run's id."""


def found_runs(store: TrackingStore, tags: Mapping[str, str]) -> list[Any]:
    """MLflow's own records of the experiment's runs with all these tags, the newest first."""
    clauses = [clause(f"tags.`{name}`", value) for name, value in tags.items()]
    found = _search(store, " and ".join(clauses))
    return [run for run in found if tags.items() <= run.data.tags.items()]


def find_runs(store: TrackingStore, tags: Mapping[str, str], *, running: bool = False) -> list[Run]:
    """The experiment's runs with all these tags, the newest first; running: only those RUNNING."""
    clauses = [clause(f"tags.`{name}`", value) for name, value in tags.items()]
    clauses += ["attributes.status = 'RUNNING'"] if running else []
    found = _search(store, " and ".join(clauses))
    return [Run(store, run.info.run_id) for run in found if tags.items() <= run.data.tags.items()]


def runs_called(store: TrackingStore, text: str) -> list[Run]:
    """The runs that text means: the one with this id, those of this name, or those whose id begins
    so; the newest first."""
    if run := active_run(store, text):
        return [run]
    return _named(store, text) or (_begun(store, text) if ID_START.fullmatch(text) else [])


def run_names(store: TrackingStore) -> set[str]:
    """The names of the experiment's active runs."""
    return {run.info.run_name for run in _search(store, "")}


def _named(store: TrackingStore, name: str) -> list[Run]:
    found = _search(store, clause("attributes.run_name", name))
    return [Run(store, run.info.run_id) for run in found if run.info.run_name == name]


def _begun(store: TrackingStore, start: str) -> list[Run]:
    found = _search(store, f"attributes.run_id LIKE '{start}%'")
    return [Run(store, run.info.run_id) for run in found]


def _search(store: TrackingStore, text: str) -> Iterator[Any]:
    """The experiment's active runs by a filter of MLflow's, the newest first."""
    token = None
    while True:
        page = store.client.search_runs([store.experiment_id], text, page_token=token)
        yield from page
        if not (token := page.token):
            return


def active_run(store: TrackingStore, run_id: str | None) -> Run | None:
    """The run with this id; None if it was deleted or never existed."""
    if not run_id:
        return None
    try:
        run = store.client.get_run(run_id)
    except MlflowException as error:
        if is_tracking_outage(error):
            raise
        return None
    active = run.info.lifecycle_stage == LifecycleStage.ACTIVE
    return Run(store, run_id) if active else None


def has_logged_model(store: TrackingStore, uri: str) -> bool:
    """Whether the store has the LoggedModel models:/ID."""
    try:
        store.client.get_logged_model(uri.removeprefix("models:/"))
    except MlflowException as error:
        if is_tracking_outage(error):
            raise
        return False
    return True


def count_test_evaluations(store: TrackingStore, fingerprint: str) -> int:
    """The number of runs that have evaluated the test rows with this fingerprint."""
    return len(find_runs(store, {TEST_FINGERPRINT: fingerprint}))


def artifact_path(client: MlflowClient, run_id: str, name: str) -> Path | None:
    """The run's artifact of this name, on this machine; None if there is none."""
    folder, _, _ = name.rpartition("/")
    if name not in {each.path for each in client.list_artifacts(run_id, folder or None)}:
        return None
    return Path(client.download_artifacts(run_id, name))


def artifact(client: MlflowClient, run_id: str, name: str) -> bytes | None:
    """The content of the run's artifact of this name; None if there is none."""
    path = artifact_path(client, run_id, name)
    return None if path is None else path.read_bytes()


def json_artifact(client: MlflowClient, run_id: str, name: str) -> Any:
    """The value of a JSON artifact; None if there is none."""
    text = artifact(client, run_id, name)
    return None if text is None else json.loads(text)


def reopen(run: Run) -> None:
    """Sets a finished run back to RUNNING."""
    run.store.client.update_run(run.run_id, status="RUNNING")


STATUS_OF: Mapping[str, Status] = {"COMPLETE": "FINISHED", "PRUNED": "KILLED", "FAIL": "FAILED"}
"""Optuna's trial states as MLflow's own Optuna storage maps them."""
