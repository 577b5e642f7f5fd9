"""Makes the study true again, whatever happened: dead workers' slots freed, the queue filled.

Level-triggered: it looks at how things are, not at what went on, so that it may be run at any
moment by anyone, and a kill in the middle of it is mended by the next one.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from optuna import Study
from optuna.exceptions import UpdateFinishedTrialError
from optuna.trial import FrozenTrial, TrialState

from finesweep.config import SweepConfig
from finesweep.sweep.attributes import COMMITTED, FAILURE, REASON, RETRY, SLOT
from finesweep.sweep.leases import WorkerRow, forget, is_live, workers_of
from finesweep.sweep.slots import DUPLICATE, refill, slots_of, waiting_by_slot
from finesweep.sweep.storage import engine_of, exclusive

QUEUED_PER_WORKER = 2


def reconcile(
    study: Study,
    settings: SweepConfig,
    n_slots: int,
    recipes: Mapping[int, Mapping[str, Any]],
    *,
    may_reap: bool = True,
) -> None:
    """Releases what dead workers held, drops duplicates, and enqueues slots that need a trial."""
    with exclusive(study._storage, f"{study.study_name}.reconcile"):
        live = release_dead(study, settings) if may_reap else _rows(study)
        _drop_duplicates(study, n_slots)
        refill(study, n_slots, recipes, queue_length=QUEUED_PER_WORKER * max(1, len(live)))


def release_dead(study: Study, settings: SweepConfig) -> list[WorkerRow]:
    """The live workers; every RUNNING trial that none of them holds is failed by now."""
    # Trials first: one that is claimed after this has its lease already.
    running = study.get_trials(deepcopy=False, states=(TrialState.RUNNING,))
    rows = _rows(study)
    live = [row for row in rows if is_live(row, lease_seconds=settings.lease_seconds)]
    held = {row.trial for row in live}
    for trial in running:
        if trial.number not in held:
            _release(study, trial, settings)
    if dead := [row.id for row in rows if row not in live]:
        forget(engine_of(study._storage), dead)
    return live


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


def fail(study: Study, trial_id: int, *, why: str, kind: str, retry: bool) -> None:
    """Tells Optuna that an attempt failed; UpdateFinishedTrialError when it is finished already."""
    storage = study._storage
    storage.set_trial_user_attr(trial_id, REASON, why)
    storage.set_trial_user_attr(trial_id, FAILURE, kind)
    storage.set_trial_user_attr(trial_id, RETRY, retry)
    storage.set_trial_state_values(trial_id, TrialState.FAIL)


def gives_up(study: Study, trial: FrozenTrial, settings: SweepConfig) -> str | None:
    """Why the slot is not tried again although nothing was wrong with it; None when it is."""
    if COMMITTED in trial.user_attrs:
        return None
    n = attempts_without_progress(study, trial.user_attrs[SLOT]) + 1
    if n < settings.max_attempts_without_progress:
        return None
    return f"{n} attempts in a row ended before they committed anything"


def _release(study: Study, trial: FrozenTrial, settings: SweepConfig) -> None:
    hopeless = gives_up(study, trial, settings)
    why = f"{hopeless}; the last: killed" if hopeless else "killed"
    try:
        fail(study, trial._trial_id, why=why, kind="infrastructure", retry=hopeless is None)
    except UpdateFinishedTrialError:
        return  # it finished in this very moment


def _drop_duplicates(study: Study, n_slots: int) -> None:
    """Fails waiting trials beyond the first of a slot that still needs one."""
    trials = study.get_trials(deepcopy=False)
    waiting = waiting_by_slot(trials, n_slots)
    for slot in slots_of(trials, n_slots, only=waiting):
        first = 1 if slot.state == "waiting" else 0
        for trial in waiting[slot.index][first:]:
            fail(study, trial._trial_id, why="duplicate", kind=DUPLICATE, retry=True)


def _rows(study: Study) -> list[WorkerRow]:
    return workers_of(engine_of(study._storage), study.study_name)
