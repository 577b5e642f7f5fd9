"""The time that a sweep still takes, from its finished trials and its workers' progress."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from optuna.trial import FrozenTrial, TrialState

from finesweep.config import ConfirmConfig
from finesweep.sweep.selection.state import StudyState, SweepState
from finesweep.sweep.study.keys import ATTEMPT
from finesweep.sweep.study.leases import WorkerRow
from finesweep.sweep.study.slots import FINISHED, Slot, finished_trials, slots_of
from finesweep.sweep.time_budget import time_budget_in

LEAST_SHARE = 0.2
"""Share of its schedule after which a running trial tells the length of all."""


def seconds_left(
    state: SweepState, workers: Sequence[WorkerRow], *, confirm: ConfirmConfig | None = None
) -> float | None:
    """Estimated seconds for all slots that are not finished; None while nothing is known.

    A sweep by time that is open takes the time to its end. A confirmation that has not begun counts
    only with its settings, confirm.
    """
    budget = time_budget_in(state.attributes)
    if budget is not None and budget.is_by_time and budget.is_open:
        # For people: this machine's clock will do.
        return None if budget.ends_at is None else max(0.0, budget.ends_at - time.time())
    n_left = _slots_left(state, workers)
    n_seeds = 0.0
    if state.confirmation is not None:
        n_seeds = _slots_left(state.confirmation, workers)
    elif confirm is not None and n_left:
        n_seeds = float(confirm.top_k * confirm.seeds)
    if not n_left and not n_seeds:
        return 0.0
    seconds = _seconds_of(finished_trials(state.trials)) or _forecast(state, workers)
    if seconds is None:
        return None
    complete = [trial for trial in state.trials if trial.state == TrialState.COMPLETE]
    seconds_of_seed = _seconds_of(complete) or seconds  # pruned trials are not confirmed
    n_workers = max(1, len(workers))
    parts = ((n_left, seconds), (n_seeds, seconds_of_seed))
    return sum(n * each / min(n_workers, max(1.0, n)) for n, each in parts)


def _slots_left(state: StudyState, workers: Sequence[WorkerRow]) -> float:
    """Number of slots that are not finished, less what running trials have done of theirs."""
    at_work = [row for row in workers if row.study == state.name]
    done = {row.slot: share for row in at_work if (share := share_done(row)) is not None}
    left = [s for s in slots_of(state.trials, state.n_slots) if s.state not in FINISHED]
    return sum(1.0 - _done(slot, done) for slot in left)


def _done(slot: Slot, done: Mapping[int | None, float]) -> float:
    return done.get(slot.index, 0.0) if slot.state == "running" else 0.0


def share_done(row: WorkerRow) -> float | None:
    """Share in [0, 1] of its trial's schedule that a worker has done; None while unknown."""
    if row.step is None or not row.total:
        return None
    return min(1.0, row.step / row.total)


def _seconds_of(trials: Iterable[FrozenTrial]) -> float | None:
    """Mean seconds of these trials; None when there are none."""
    seconds = [trial.duration.total_seconds() for trial in trials if trial.duration]
    return sum(seconds) / len(seconds) if seconds else None


def _forecast(state: StudyState, workers: Sequence[WorkerRow]) -> float | None:
    """Mean seconds that the running trials will have taken, from their speed so far.

    A retried trial tells nothing: it began in the middle of its schedule.
    """
    by_number = {trial.number: trial for trial in state.trials}
    expected = []
    for row in (row for row in workers if row.study == state.name):
        trial, share = by_number.get(-1 if row.trial is None else row.trial), share_done(row)
        if trial is None or trial.datetime_start is None or trial.user_attrs.get(ATTEMPT, 1) > 1:
            continue
        if share is not None and share >= LEAST_SHARE:
            begun = datetime.now() - trial.datetime_start
            expected.append(begun.total_seconds() / share)
    return sum(expected) / len(expected) if expected else None
