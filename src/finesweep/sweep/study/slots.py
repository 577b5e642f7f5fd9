"""A sweep is N slots, each finished once, however often its attempts are interrupted.

Optuna counts trials, and every restart would add some; slots count what was asked for. A slot's
attempts are Optuna trials that carry its number in user_attrs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, Literal

from optuna import Study
from optuna.exceptions import UpdateFinishedTrialError
from optuna.trial import FrozenTrial, TrialState

from finesweep.sweep.study.keys import ATTEMPT, FAILURE, N_TRIALS, RETRY, SLOT
from finesweep.sweep.study.optuna_private import claim_trial, drop_cached_trials

SlotState = Literal["complete", "pruned", "failed", "running", "waiting"]
FINISHED: tuple[SlotState, ...] = ("complete", "pruned", "failed")

DUPLICATE = "duplicate"
"""Failure class of a trial that was enqueued for a slot which had one already."""


@dataclass(frozen=True)
class Slot:
    """One slot: its state, the trial that decided it or was tried last, how many were begun."""

    index: int
    state: SlotState
    trial: FrozenTrial | None
    n_attempts: int


def slots_of(
    trials: Iterable[FrozenTrial], n_slots: int, *, only: Iterable[int] | None = None
) -> list[Slot]:
    """The n_slots slots in order, or only these, read off all trials of the study."""
    wanted = range(n_slots) if only is None else sorted(only)
    attempts: dict[int, list[FrozenTrial]] = {index: [] for index in wanted if index < n_slots}
    for trial in trials:
        if (index := trial.user_attrs.get(SLOT)) in attempts:
            attempts[index].append(trial)
    return [_slot(index, tried) for index, tried in attempts.items()]


def waiting_by_slot(trials: Iterable[FrozenTrial], n_slots: int) -> dict[int, list[FrozenTrial]]:
    """Waiting trials of each slot that has some, in the order of their numbers."""
    found: dict[int, list[FrozenTrial]] = {}
    for trial in trials:
        if trial.state == TrialState.WAITING and trial.user_attrs.get(SLOT, n_slots) < n_slots:
            found.setdefault(trial.user_attrs[SLOT], []).append(trial)
    return found


def counts(slots: Iterable[Slot]) -> dict[SlotState, int]:
    """Slots by state; the values sum to the number of slots."""
    found: dict[SlotState, int] = {
        "complete": 0,
        "pruned": 0,
        "failed": 0,
        "running": 0,
        "waiting": 0,
    }
    for slot in slots:
        found[slot.state] += 1
    return found


def refill(
    study: Study,
    trials: Sequence[FrozenTrial],
    n_slots: int,
    enqueued: Mapping[int, Mapping[str, Any]],
    *,
    queue_length: int,
) -> None:
    """Enqueues trials for the lowest slots that have none waiting, running or finished.

    The queue is kept short because Optuna reads all of it at every claim. enqueued holds Optuna
    params by slot; other slots are left to the sampler. A slot that was tried before keeps the
    params of that attempt, from whose checkpoint the next one goes on. Callers hold a lock:
    two at once would enqueue a slot twice.
    """
    n_missing = max(0, queue_length - len(waiting_by_slot(trials, n_slots)))
    # One pass over all trials, and a closer look at the few slots that get one now.
    taken = {t.user_attrs.get(SLOT) for t in trials if not t.user_attrs.get(RETRY)}
    missing = islice((index for index in range(n_slots) if index not in taken), n_missing)
    for slot in slots_of(trials, n_slots, only=missing):
        last = slot.trial
        # One that was killed before it suggested anything has only what it was enqueued with.
        tried = {**last.system_attrs.get("fixed_params", {}), **last.params} if last else {}
        study.enqueue_trial(
            {**enqueued.get(slot.index, {}), **tried},
            user_attrs={SLOT: slot.index, ATTEMPT: slot.n_attempts + 1},
        )


def claim(
    study: Study,
    n_slots: int,
    *,
    before: Callable[[FrozenTrial], None] = lambda trial: None,
) -> FrozenTrial | None:
    """The lowest waiting slot's trial, from now on RUNNING and ours; None when none waits.

    before is called with each trial that is tried for. Never study.ask(): on an empty queue it
    makes a trial that belongs to no slot. The storage lets one claimant win. Of a slot enqueued
    twice only the first trial is ever claimed, and only while no other runs or has finished.
    """
    drop_cached_trials(study)  # what was read for the last trial is out of date
    trials = study.get_trials(deepcopy=False)
    waiting = waiting_by_slot(trials, n_slots)
    for slot in slots_of(trials, n_slots, only=waiting):
        if slot.state != "waiting":
            continue
        trial = waiting[slot.index][0]
        before(trial)
        try:
            if claim_trial(study, trial.number):
                return trial
        except UpdateFinishedTrialError:
            continue
    return None


def _slot(index: int, tried: list[FrozenTrial]) -> Slot:
    tried = [trial for trial in tried if trial.user_attrs.get(FAILURE) != DUPLICATE]
    by_state = {trial.state: trial for trial in tried}
    final = [t for t in tried if t.state == TrialState.FAIL and not t.user_attrs.get(RETRY)]
    n_attempts = sum(trial.state != TrialState.WAITING for trial in tried)
    if TrialState.COMPLETE in by_state:
        return Slot(index, "complete", by_state[TrialState.COMPLETE], n_attempts)
    if TrialState.PRUNED in by_state:
        return Slot(index, "pruned", by_state[TrialState.PRUNED], n_attempts)
    if final:
        return Slot(index, "failed", final[-1], n_attempts)
    if TrialState.RUNNING in by_state:
        return Slot(index, "running", by_state[TrialState.RUNNING], n_attempts)
    failed = by_state.get(TrialState.FAIL)
    return Slot(index, "waiting", failed, n_attempts)


def finished_trials(trials: Iterable[FrozenTrial]) -> list[FrozenTrial]:
    """Trials that ended their slot: complete, pruned, or failed for good."""
    return [t for t in trials if t.state.is_finished() and not t.user_attrs.get(RETRY)]


def is_budget_spent(study: Study) -> bool:
    """Whether every slot is finished."""
    return all_finished(study.get_trials(deepcopy=False), study.user_attrs[N_TRIALS])


def all_finished(trials: Sequence[FrozenTrial], n_slots: int) -> bool:
    """Whether every one of the first n_slots slots is."""
    return all(slot.state in FINISHED for slot in slots_of(trials, n_slots))
