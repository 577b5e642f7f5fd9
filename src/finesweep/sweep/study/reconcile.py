"""Makes the study true again, whatever happened: dead workers' slots freed, the queue filled.

Level-triggered: it looks at how things are, not at what went on, so that it may be run at any
moment by anyone, and a kill in the middle of it is mended by the next one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from optuna import Study
from optuna.exceptions import UpdateFinishedTrialError
from optuna.trial import FrozenTrial, TrialState

from finesweep.config import SweepConfig
from finesweep.locks import exclusive
from finesweep.sweep.study.keys import COMMITTED, FAILURE, REASON, RETRY, SLOT
from finesweep.sweep.study.leases import WorkerRow, forget, is_live, workers_of
from finesweep.sweep.study.optuna_private import engine_of, fail_trial
from finesweep.sweep.study.slots import DUPLICATE, refill, slots_of, waiting_by_slot

QUEUED_PER_WORKER = 2


def reconcile(
    study: Study,
    settings: SweepConfig,
    n_slots: int,
    enqueued: Mapping[int, Mapping[str, Any]],
    *,
    may_reap: bool = True,
) -> None:
    """Releases what dead workers held, drops duplicates, and enqueues slots that need a trial."""
    with exclusive(engine_of(study), f"{study.study_name}.reconcile"):
        # Trials before leases: one that is claimed in between has its lease already.
        trials = study.get_trials(deepcopy=False)
        rows = workers_of(engine_of(study), study.study_name)
        live = [row for row in rows if is_live(row, lease_seconds=settings.lease_seconds)]
        if may_reap and _release_dead(study, trials, rows, live, settings):
            trials = study.get_trials(deepcopy=False)
        if _drop_duplicates(study, trials, n_slots):
            trials = study.get_trials(deepcopy=False)
        n_workers = len(live if may_reap else rows)
        refill(study, trials, n_slots, enqueued, queue_length=QUEUED_PER_WORKER * max(1, n_workers))


def _release_dead(
    study: Study,
    trials: Sequence[FrozenTrial],
    rows: Sequence[WorkerRow],
    live: Sequence[WorkerRow],
    settings: SweepConfig,
) -> bool:
    """Fails every RUNNING trial that no live worker holds, forgets the others; whether any was."""
    held = {row.trial for row in live}
    lost = [t for t in trials if t.state == TrialState.RUNNING and t.number not in held]
    for trial in lost:
        _release(study, trial, settings)
    if dead := [row.id for row in rows if row not in live]:
        forget(engine_of(study), dead)
    return bool(lost)


def attempts_without_progress(study: Study, slot: int) -> int:
    """How many of the slot's last attempts were cut off before they committed a checkpoint."""
    n = 0
    for trial in reversed(study.get_trials(deepcopy=False, states=(TrialState.FAIL,))):
        ours = trial.user_attrs.get(SLOT) == slot
        if ours and trial.user_attrs.get(FAILURE) != DUPLICATE:
            if COMMITTED in trial.user_attrs or not trial.user_attrs.get(RETRY):
                break
            n += 1
    return n


def fail(study: Study, number: int, *, why: str, kind: str, retry: bool) -> None:
    """Tells Optuna that an attempt failed; UpdateFinishedTrialError when it is finished already."""
    fail_trial(study, number, {REASON: why, FAILURE: kind, RETRY: retry})


def reason_to_give_up(study: Study, trial: FrozenTrial, settings: SweepConfig) -> str | None:
    """Why the slot is not tried again although nothing was wrong with it; None when it is."""
    if COMMITTED in trial.user_attrs:
        return None
    n = attempts_without_progress(study, trial.user_attrs[SLOT]) + 1
    if n < settings.max_attempts_without_progress:
        return None
    return f"{n} attempts in a row ended before they committed anything"


def _release(study: Study, trial: FrozenTrial, settings: SweepConfig) -> None:
    hopeless = reason_to_give_up(study, trial, settings)
    why = f"{hopeless}; the last: killed" if hopeless else "killed"
    try:
        fail(study, trial.number, why=why, kind="infrastructure", retry=hopeless is None)
    except UpdateFinishedTrialError:
        return  # it finished in this very moment


def _drop_duplicates(study: Study, trials: Sequence[FrozenTrial], n_slots: int) -> bool:
    """Fails waiting trials beyond the first of a slot that still needs one; whether any was."""
    waiting = waiting_by_slot(trials, n_slots)
    surplus = [
        trial
        for slot in slots_of(trials, n_slots, only=waiting)
        for trial in waiting[slot.index][1 if slot.state == "waiting" else 0 :]
    ]
    for trial in surplus:
        fail(study, trial.number, why="duplicate", kind=DUPLICATE, retry=True)
    return bool(surplus)
