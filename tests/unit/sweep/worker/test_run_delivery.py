"""A run ends as its trial did, also when others have to end it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from optuna.trial import TrialState
from tests.unit.sweep.studies import add_trial
from tests.unit.sweep.worker.conftest import JoinedWorker

from finesweep.locks import exclusive
from finesweep.sweep.selection.confirmation import make_confirmation
from finesweep.sweep.study.keys import REASON
from finesweep.sweep.study.optuna_private import engine_of
from finesweep.sweep.worker import run_delivery
from finesweep.sweep.worker.run_delivery import close_run, deliver_orphans, drop_empty, outboxes_of
from finesweep.tracking import Outbox

STORE: Any = object()
"""What `deliver` is given, which is another function here."""


@pytest.fixture
def statuses(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Folder → status of what was delivered, in place of a run in MLflow."""
    found: dict[str, str] = {}

    def deliver(folder: Path, store: object) -> None:
        assert store is STORE
        found[folder.name] = json.loads((folder / "closing.json").read_text())["status"]

    monkeypatch.setattr(run_delivery, "deliver", deliver)
    return found


def outbox(joined_worker: JoinedWorker, name: str, worker: str = "dead") -> Outbox:
    folder = outboxes_of(joined_worker.plan) / worker / name
    return Outbox.open(folder, uid="u", name=name, parent_run_id=None, tags={})


@pytest.mark.parametrize(
    ("state", "attributes", "status", "reason"),
    [
        (TrialState.COMPLETE, {}, "FINISHED", None),
        (TrialState.PRUNED, {}, "KILLED", None),
        (TrialState.FAIL, {REASON: "no memory"}, "FAILED", "no memory"),
        (TrialState.FAIL, {}, "FAILED", "killed"),
    ],
)
def test_a_run_ends_as_its_trial_did_and_when(
    joined_worker: JoinedWorker,
    state: TrialState,
    attributes: dict[str, str],
    status: str,
    reason: str | None,
) -> None:
    value = 0.5 if state == TrialState.COMPLETE else None
    add_trial(joined_worker.study, state, value, **attributes)
    trial = joined_worker.study.trials[0]
    own = outbox(joined_worker, "trial-000000")
    close_run(own, trial)
    closing = json.loads((own.folder / "closing.json").read_text())
    assert (closing["status"], closing["tags"].get("finesweep.reason")) == (status, reason)
    assert closing["tags"]["finesweep.trial_state"] == state.name
    renamed = "trial-000000 · pruned" if status == "KILLED" else None
    assert closing["tags"].get("mlflow.runName") == renamed
    assert trial.datetime_complete is not None
    assert closing["end_time_ms"] == int(1000 * trial.datetime_complete.timestamp())


def test_what_dead_workers_left_of_finished_trials_is_delivered(
    joined_worker: JoinedWorker, statuses: dict[str, str]
) -> None:
    add_trial(joined_worker.study, TrialState.COMPLETE, 0.5)
    add_trial(joined_worker.study, TrialState.RUNNING)
    add_trial(joined_worker.study, TrialState.COMPLETE, 0.5)
    add_trial(make_confirmation(joined_worker.study), TrialState.PRUNED)
    for name in ("trial-000000", "trial-000001", "confirmation-000000", "trial-000009"):
        outbox(joined_worker, name)
    outbox(joined_worker, "trial-000002", worker=joined_worker.callbacks.worker)
    deliver_orphans(joined_worker.plan, joined_worker.study, STORE)
    assert statuses == {"trial-000000": "FINISHED", "confirmation-000000": "KILLED"}


def test_empty_folders_of_dead_workers_go(
    joined_worker: JoinedWorker, statuses: dict[str, str]
) -> None:
    root = outboxes_of(joined_worker.plan)
    for worker in ("dead", joined_worker.callbacks.worker):
        (root / worker).mkdir(parents=True)
    deliver_orphans(joined_worker.plan, joined_worker.study, STORE)
    assert [each.name for each in root.iterdir()] == [joined_worker.callbacks.worker]
    outbox(joined_worker, "trial-000000")
    drop_empty(root / "dead")
    drop_empty(root / "absent")
    assert (root / "dead").exists()


def test_one_process_at_a_time_looks_for_orphans(
    joined_worker: JoinedWorker, statuses: dict[str, str]
) -> None:
    add_trial(joined_worker.study, TrialState.COMPLETE, 0.5)
    outbox(joined_worker, "trial-000000")
    with exclusive(engine_of(joined_worker.study), "demo.outbox"):
        deliver_orphans(joined_worker.plan, joined_worker.study, STORE)
    assert statuses == {}
