"""Closes and delivers the MLflow runs of finished trials, including those of dead workers."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from filelock import Timeout
from optuna import Study
from optuna.trial import FrozenTrial, TrialState

from finesweep.config import SweepPlan
from finesweep.locks import exclusive
from finesweep.runs.run_name import PRUNED
from finesweep.sweep.selection.state import studies_of
from finesweep.sweep.study.keys import REASON
from finesweep.sweep.study.optuna_private import engine_of
from finesweep.sweep.study.workers import live_workers
from finesweep.tracking import STATUS_OF, Outbox, TrackingStore, deliver, pending_outboxes
from finesweep.tracking.tags import REASON_TAG, RUN_NAME_TAG, TRIAL_STATE

OUTBOX = "outbox"


def outboxes_of(plan: SweepPlan) -> Path:
    """checkpoints/STUDY/outbox, with one folder per worker and in it one per attempt."""
    return Path(plan.base.config.storage.checkpoints) / plan.study_name / OUTBOX


def close_run(outbox: Outbox, trial: FrozenTrial) -> None:
    """Closes the run with the trial's final state in Optuna."""
    tags = {TRIAL_STATE: trial.state.name}
    if trial.state == TrialState.FAIL:
        tags[REASON_TAG] = trial.user_attrs.get(REASON, "killed")
    if trial.state == TrialState.PRUNED:
        tags[RUN_NAME_TAG] = f"{outbox.name()}{PRUNED}"
    assert trial.datetime_complete is not None  # it is finished
    end_time_ms = int(1000 * trial.datetime_complete.timestamp())
    outbox.close(STATUS_OF[trial.state.name], tags, end_time_ms)


def drop_empty(folder: Path) -> None:
    """Deletes a worker's folder if it is empty."""
    with suppress(OSError):
        folder.rmdir()


def deliver_orphans(plan: SweepPlan, study: Study, store: TrackingStore) -> None:
    """Closes and delivers the outboxes of dead workers; one process at a time."""
    with exclusive(engine_of(study), f"{study.study_name}.outbox", wait=False) as is_locked:
        if not is_locked:
            return
        live = {row.id for row in live_workers(study)}
        orphans = [
            folder
            for folder in pending_outboxes(outboxes_of(plan))
            if folder.parent.name not in live
        ]
        for worker in outboxes_of(plan).glob("*"):
            if worker.name not in live:
                drop_empty(worker)
        trials = {
            f"{kind}-{trial.number:06d}": trial
            for kind, each in studies_of(study).items()
            for trial in each.get_trials(deepcopy=False)
        }
        for folder in orphans:
            trial = trials.get(folder.name)
            if trial is not None and trial.state.is_finished():
                close_run(Outbox(folder), trial)
                with suppress(Timeout):  # its worker is suspended during delivery and may resume
                    deliver(folder, store)
