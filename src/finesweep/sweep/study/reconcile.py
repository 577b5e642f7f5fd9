"""Reconciles the study with the observed state: frees dead workers' slots, fills the queue.

Level-triggered: it reads the current state instead of events, so any worker may run it at any time,
and the next call repairs one that was killed half-way.
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
from finesweep.sweep.study.slots import DUPLICATE, is_duplicate, refill, slots_of, waiting_by_slot

QUEUED_PER_WORKER = 2


def reconcile(
    study: Study,
    settings: SweepConfig,
    n_slots: int,
    enqueued: Mapping[int, Mapping[str, Any]],
    *,
    may_reap: bool = True,
) -> None:
    """Fails dead workers' trials, drops duplicates, and enqueues slots that need a trial."""
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
    """Fails RUNNING trials that no live worker holds and deletes dead workers' rows; whether any
    trial failed."""
    live_trials = {row.trial for row in live}
    orphans = [t for t in trials if t.state == TrialState.RUNNING and t.number not in live_trials]
    for trial in orphans:
        _release(study, trial, settings)
    if dead := [row.id for row in rows if row not in live]:
        forget(engine_of(study), dead)
    return bool(orphans)


def attempts_without_progress(study: Study, slot: int) -> int:
    """Number of the slot's latest attempts in a row that committed no checkpoint."""
    n = 0
    for trial in reversed(study.get_trials(deepcopy=False, states=(TrialState.FAIL,))):
        is_of_slot = trial.user_attrs.get(SLOT) == slot
        if is_of_slot and not is_duplicate(trial):
            if COMMITTED in trial.user_attrs or not trial.user_attrs.get(RETRY):
                break
            n += 1
    return n


def fail(study: Study, number: int, *, why: str, kind: str, retry: bool) -> None:
    """Fails an attempt in Optuna; UpdateFinishedTrialError when it has already ended."""
    fail_trial(study, number, {REASON: why, FAILURE: kind, RETRY: retry})


def reason_to_give_up(study: Study, trial: FrozenTrial, settings: SweepConfig) -> str | None:
    """Reason to stop retrying the slot of a retryable failure; None while it is retried."""
    if COMMITTED in trial.user_attrs:
        return None
    n = attempts_without_progress(study, trial.user_attrs[SLOT]) + 1
    if n < settings.max_attempts_without_progress:
        return None
    return f"{n} attempts in a row ended before they committed anything"


def _release(study: Study, trial: FrozenTrial, settings: SweepConfig) -> None:
    final = reason_to_give_up(study, trial, settings)
    why = f"{final}; the last: killed" if final else "killed"
    try:
        fail(study, trial.number, why=why, kind="infrastructure", retry=final is None)
    except UpdateFinishedTrialError:
        return  # it has just finished


def _drop_duplicates(study: Study, trials: Sequence[FrozenTrial], n_slots: int) -> bool:
    """Fails waiting trials that their slot does not need; whether there were any."""
    waiting = waiting_by_slot(trials, n_slots)
    surplus = [
        trial
        for slot in slots_of(trials, n_slots, only=waiting)
        for trial in waiting[slot.index][1 if slot.state == "waiting" else 0 :]
    ]
    for trial in surplus:
        fail(study, trial.number, why="duplicate", kind=DUPLICATE, retry=True)
    return bool(surplus)
