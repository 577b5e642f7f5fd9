"""The time budget of a sweep: whether one more trial can be expected to end within it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from optuna import Study
from optuna.trial import FrozenTrial, TrialState

from finesweep.config import SweepPlan
from finesweep.locks import exclusive
from finesweep.sweep.study.keys import ATTEMPT, N_TRIALS, SLOT, TIME_BUDGET, VALUES
from finesweep.sweep.study.leases import database_seconds
from finesweep.sweep.study.objectives.front import contenders
from finesweep.sweep.study.optuna_private import engine_of
from finesweep.sweep.study.ranking import direction_of
from finesweep.sweep.study.slots import is_duplicate

ALIKE = ("model", "dataset.max_length", "model.freeze_layers")
"""Settings that decide the seconds of an epoch."""
EPOCHS = "training.epochs"
CAUTIOUS = 0.75
"""Quantile of the finished trials' seconds within which a new one is expected to end: its settings
are drawn only once it has begun."""
MAX_RESERVE = 0.5
"""Largest share of the time that is kept for the confirmation, so that some is left to search."""


@dataclass(frozen=True)
class TimeBudget:
    """The time of the latest sweep command, as recorded in its study."""

    minutes: float
    ends_at: float | None
    """Seconds since 1970 by the database's clock; None in a sweep by time before its first worker
    is there: waiting for one, as in a cluster's queue, is no time of the search."""
    is_by_time: bool
    """Whether the number of trials is what fits; otherwise it is sweep.n_trials at most."""
    is_open: bool = True
    """False once a sweep by time has settled its number of trials."""
    reserved_seconds: float = 0.0
    """Kept for the confirmation when the number of trials was settled."""


def time_budget_in(attributes: Mapping[str, Any]) -> TimeBudget | None:
    """The time budget in a study's user attributes; None without sweep.timeout_minutes."""
    stored = attributes.get(TIME_BUDGET)
    return TimeBudget(**stored) if stored else None


def begin_budget(study: Study, plan: SweepPlan, *, limit: int | None = None) -> dict[str, Any]:
    """The study's user attributes for a new command: its number of slots and its time.

    A sweep by time has a slot for each trial begun so far and, while it is open, one per worker.
    limit is the number of slots after which nothing is left to try, on a grid.
    """
    minutes, n_trials = plan.settings.timeout_minutes, at_most(plan.settings.n_trials, limit)
    if minutes is None:
        return {N_TRIALS: n_trials, TIME_BUDGET: None}
    if plan.settings.n_trials is None:
        n_free = n_begun(study.get_trials(deepcopy=False)) + plan.base.config.workers
        budget = TimeBudget(minutes=minutes, ends_at=None, is_by_time=True)
        return {N_TRIALS: at_most(n_free, limit), TIME_BUDGET: asdict(budget)}
    ends_at = database_seconds(engine_of(study)) + 60 * minutes
    budget = TimeBudget(minutes=minutes, ends_at=ends_at, is_by_time=False)
    return {N_TRIALS: n_trials, TIME_BUDGET: asdict(budget)}


def at_most(n_slots: int | None, limit: int | None) -> int | None:
    """The smaller one; None is no number of slots, or no limit."""
    numbers = [number for number in (n_slots, limit) if number is not None]
    return min(numbers, default=None)


def claimable_slots(
    study: Study, plan: SweepPlan, first: Sequence[Mapping[str, Any]], *, is_attached: bool
) -> int:
    """Number of the study's first slots that a worker may claim now.

    first has the known settings of the first slots' trials, by plain path; on a grid, of all that
    there can be.

    Begun slots are always finished; others only while one more trial can be expected to end in
    time. A sweep by time records its number of slots. The time of a sweep by number binds the
    workers of its command alone, which are attached.
    """
    attributes = study.user_attrs
    n_slots, budget = int(attributes[N_TRIALS]), time_budget_in(attributes)
    if budget is None or not (budget.is_by_time or is_attached):
        return n_slots
    if budget.is_by_time:
        with exclusive(engine_of(study), f"{study.study_name}.slots"):
            return _settle(study, plan, first)
    trials = study.get_trials(deepcopy=False)
    has_time = can_end(trials, _seconds_left(study, budget), _next_values(first, trials))
    return n_slots if has_time else min(n_slots, n_begun(trials))


def _settle(study: Study, plan: SweepPlan, first: Sequence[Mapping[str, Any]]) -> int:
    """The number of slots of a sweep by time, recorded in the study; callers hold a lock."""
    attributes, trials = study.user_attrs, study.get_trials(deepcopy=False)
    budget, n_slots = time_budget_in(attributes), n_begun(trials)
    if budget is not None and budget.is_open:
        if budget.ends_at is None:
            ends_at = database_seconds(engine_of(study)) + 60 * budget.minutes
            budget = replace(budget, ends_at=ends_at)
            study.set_user_attr(TIME_BUDGET, asdict(budget))
        reserved = min(_confirmation(study, plan, trials), MAX_RESERVE * 60 * budget.minutes)
        left = _seconds_left(study, budget) - reserved
        limit = len(first) if plan.is_exhaustive else n_slots + plan.base.config.workers
        if n_slots < limit and can_end(trials, left, _next_values(first, trials)):
            n_slots = min(limit, n_slots + plan.base.config.workers)
        else:
            # First, and for good: a worker that ended early would else begin another trial while
            # the others already confirm.
            closed = replace(budget, is_open=False, reserved_seconds=reserved)
            study.set_user_attr(TIME_BUDGET, asdict(closed))
    if attributes[N_TRIALS] != n_slots:
        study.set_user_attr(N_TRIALS, n_slots)
    return n_slots


def _next_values(
    first: Sequence[Mapping[str, Any]], trials: Sequence[FrozenTrial]
) -> Mapping[str, Any]:
    """Plain path → value of the next new trial, as far as they are known."""
    slot = n_begun(trials)
    return first[slot] if slot < len(first) else {}


def _seconds_left(study: Study, budget: TimeBudget) -> float:
    assert budget.ends_at is not None
    return budget.ends_at - database_seconds(engine_of(study))


def _confirmation(study: Study, plan: SweepPlan, trials: Sequence[FrozenTrial]) -> float:
    if (config := plan.confirm) is None:
        return 0.0
    best = contenders(trials, study.user_attrs, direction_of(study))[: config.top_k]
    return confirmation_seconds(best, config.seeds, n_workers=plan.base.config.workers)


def n_begun(trials: Iterable[FrozenTrial]) -> int:
    """Number of slots up to the last one that a trial was begun in."""
    begun = [
        int(trial.user_attrs[SLOT])
        for trial in trials
        if trial.state != TrialState.WAITING
        and not is_duplicate(trial)
        and SLOT in trial.user_attrs
    ]
    return max(begun, default=-1) + 1


def can_end(trials: Sequence[FrozenTrial], seconds_left: float, values: Mapping[str, Any]) -> bool:
    """Whether a new trial can be expected to end in seconds_left; True while nothing is known.

    values are the settings of the new trial, as far as they are known.
    """
    expected = expected_seconds(trials, values)
    return seconds_left > 0 and (expected is None or expected <= seconds_left)


def expected_seconds(trials: Iterable[FrozenTrial], values: Mapping[str, Any]) -> float | None:
    """Seconds of a new trial, from those that finished in one attempt; None when there are none.

    Known settings are compared with complete trials of the same model, length and depth, by seconds
    per epoch where the epochs are known. Otherwise it is the CAUTIOUS quantile of all, pruned ones
    too.
    """
    finished = [
        trial
        for trial in trials
        if trial.state in (TrialState.COMPLETE, TrialState.PRUNED)
        and trial.duration is not None
        and trial.user_attrs.get(ATTEMPT, 1) == 1
    ]
    if alike := [_seconds_as(trial, values) for trial in finished if _is_alike(trial, values)]:
        return float(np.mean(alike))
    seconds = [_seconds(trial) for trial in finished]
    return float(np.quantile(seconds, CAUTIOUS)) if seconds else None


def _is_alike(trial: FrozenTrial, values: Mapping[str, Any]) -> bool:
    own, known = trial.user_attrs.get(VALUES, {}), [name for name in ALIKE if name in values]
    if not known or trial.state != TrialState.COMPLETE:
        return False
    return all(own.get(name) == values[name] for name in known)


def _seconds_as(trial: FrozenTrial, values: Mapping[str, Any]) -> float:
    """Seconds that the trial would have taken with the epochs of values."""
    epochs = trial.user_attrs.get(VALUES, {}).get(EPOCHS)
    share = values[EPOCHS] / epochs if epochs and EPOCHS in values else 1.0
    return _seconds(trial) * share


def _seconds(trial: FrozenTrial) -> float:
    assert trial.duration is not None
    return trial.duration.total_seconds()


def confirmation_seconds(best: Iterable[FrozenTrial], n_seeds: int, *, n_workers: int) -> float:
    """Expected seconds in which n_workers retrain these trials with n_seeds seeds each."""
    return n_seeds * sum(_seconds(t) for t in best if t.duration is not None) / n_workers
