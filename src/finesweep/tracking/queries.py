"""Finding runs by their tags."""

from __future__ import annotations

from collections.abc import Mapping

from mlflow.entities import LifecycleStage
from mlflow.exceptions import MlflowException

from finesweep.tracking.names import clause
from finesweep.tracking.outages import is_tracking_outage
from finesweep.tracking.runs import Run, Status
from finesweep.tracking.store import TrackingStore

TEST_FINGERPRINT = "finesweep.test_fingerprint"
"""Tag of each run that looked at a test split."""


def find_runs(store: TrackingStore, tags: Mapping[str, str], *, running: bool = False) -> list[Run]:
    """The experiment's runs that carry all these tags, the newest first; only RUNNING if asked."""
    clauses = [clause(f"tags.`{name}`", value) for name, value in tags.items()]
    clauses += ["attributes.status = 'RUNNING'"] if running else []
    found, token = [], None
    while True:
        page = store.client.search_runs(
            [store.experiment_id], " and ".join(clauses), page_token=token
        )
        found += [
            Run(store, run.info.run_id) for run in page if tags.items() <= run.data.tags.items()
        ]
        if not (token := page.token):
            return found


def active_run(store: TrackingStore, run_id: str | None) -> Run | None:
    """The run of this id; None when it was deleted, or the store has never heard of it."""
    if not run_id:
        return None
    try:
        found = store.client.get_run(run_id)
    except MlflowException as error:
        if is_tracking_outage(error):
            raise
        return None
    active = found.info.lifecycle_stage == LifecycleStage.ACTIVE
    return Run(store, run_id) if active else None


def has_logged_model(store: TrackingStore, uri: str) -> bool:
    """Whether the store holds the LoggedModel that models:/ID names."""
    try:
        store.client.get_logged_model(uri.removeprefix("models:/"))
    except MlflowException as error:
        if is_tracking_outage(error):
            raise
        return False
    return True


def n_looks(store: TrackingStore, fingerprint: str) -> int:
    """How many runs have looked at the test rows of this fingerprint."""
    return len(find_runs(store, {TEST_FINGERPRINT: fingerprint}))


def reopen(run: Run) -> None:
    """Sets a finished run back to RUNNING."""
    run.store.client.update_run(run.run_id, status="RUNNING")


STATUS_OF: Mapping[str, Status] = {"COMPLETE": "FINISHED", "PRUNED": "KILLED", "FAIL": "FAILED"}
"""Optuna's trial states as MLflow's own Optuna storage maps them."""
