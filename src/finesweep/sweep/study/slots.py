"""A sweep is N slots, each finished once, however often its attempts are interrupted.

Optuna counts trials, and every restart would add some; slots count the requested ones. A slot's
attempts are the Optuna trials with its number in user_attrs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, Literal

from optuna import Study
from optuna.exceptions import UpdateFinishedTrialError
from optuna.trial import FrozenTrial, TrialState, create_trial

from finesweep.sweep.study.keys import ATTEMPT, FAILURE, N_TRIALS, RETRY, SLOT
from finesweep.sweep.study.optuna_private import claim_trial, drop_cached_trials

SlotState = Literal["complete", "pruned", "failed", "running", "waiting"]
FINISHED: tuple[SlotState, ...] = ("complete", "pruned", "failed")

FIXED = "fixed_params"
"""Optuna's attribute of an enqueued trial for its params."""
RUNG = "completed_rung_"
"""Optuna's prefix of a pruner's attributes, which an attempt earns by itself."""
DUPLICATE = "duplicate"
"""Failure class of a trial enqueued for a slot that already had one."""


@dataclass(frozen=True)
class Slot:
    """One slot: its state, its deciding or latest trial, and its number of started attempts."""

    index: int
    state: SlotState
    trial: FrozenTrial | None
    n_attempts: int


def slots_of(
    trials: Iterable[FrozenTrial], n_slots: int, *, only: Iterable[int] | None = None
) -> list[Slot]:
    """The first n_slots slots in order, or only these of them, from all trials of the study."""
    indices = range(n_slots) if only is None else sorted(only)
    attempts: dict[int, list[FrozenTrial]] = {index: [] for index in indices if index < n_slots}
    for trial in trials:
        if (index := trial.user_attrs.get(SLOT)) in attempts:
            attempts[index].append(trial)
    return [_slot(index, trials_of_slot) for index, trials_of_slot in attempts.items()]


def waiting_by_slot(trials: Iterable[FrozenTrial], n_slots: int) -> dict[int, list[FrozenTrial]]:
    """Slot → its waiting trials by number; only slots that have some."""
    waiting: dict[int, list[FrozenTrial]] = {}
    for trial in trials:
        if trial.state == TrialState.WAITING and trial.user_attrs.get(SLOT, n_slots) < n_slots:
            waiting.setdefault(trial.user_attrs[SLOT], []).append(trial)
    return waiting


def counts(slots: Iterable[Slot]) -> dict[SlotState, int]:
    """Number of slots by state; the values sum to the number of slots."""
    by_state: dict[SlotState, int] = {
        "complete": 0,
        "pruned": 0,
        "failed": 0,
        "running": 0,
        "waiting": 0,
    }
    for slot in slots:
        by_state[slot.state] += 1
    return by_state


def refill(
    study: Study,
    trials: Sequence[FrozenTrial],
    n_slots: int,
    enqueued: Mapping[int, Mapping[str, Any]],
    *,
    queue_length: int,
) -> None:
    """Enqueues trials for the lowest slots without a waiting, running or finished one.

    The queue is short because Optuna reads all of it at every claim. enqueued maps slots to Optuna
    params; the sampler fills the others. A retried slot keeps the params of its latest attempt, and
    what the sampler noted on it, such as its generation, and resumes from its checkpoint. Callers
    hold a lock: two at once would enqueue a slot twice.
    """
    n_missing = max(0, queue_length - len(waiting_by_slot(trials, n_slots)))
    # One pass over all trials; only the few slots enqueued now are examined in detail.
    occupied = {t.user_attrs.get(SLOT) for t in trials if not is_retried(t)}
    missing = islice((index for index in range(n_slots) if index not in occupied), n_missing)
    for slot in slots_of(trials, n_slots, only=missing):
        last = slot.trial
        attributes = _of_sampler(last) if last else {}
        # An attempt killed before its first suggestion has only its enqueued params.
        earlier = {**last.system_attrs.get(FIXED, {}), **last.params} if last else {}
        params = {**enqueued.get(slot.index, {}), **earlier}
        # As study.enqueue_trial does, which takes no attributes of the sampler.
        study.add_trial(
            create_trial(
                state=TrialState.WAITING,
                system_attrs={**attributes, FIXED: params},
                user_attrs={SLOT: slot.index, ATTEMPT: slot.n_attempts + 1},
            )
        )


def claim(
    study: Study,
    n_slots: int,
    *,
    before: Callable[[FrozenTrial], None] = lambda trial: None,
) -> FrozenTrial | None:
    """The lowest waiting slot's trial, claimed by this worker and now RUNNING; None without one.

    before is called with each trial just before the attempt to claim it. study.ask() is never used:
    on an empty queue it creates a trial without a slot. The storage lets one claimant win. If a
    slot was enqueued twice, only the first trial is claimed, and only while no other one runs or
    has finished.
    """
    drop_cached_trials(study)  # the cache is from the previous claim
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


def _of_sampler(trial: FrozenTrial) -> dict[str, Any]:
    """What the sampler noted on an attempt: that it is of a generation, or is still a guess."""
    return {k: v for k, v in trial.system_attrs.items() if k != FIXED and not k.startswith(RUNG)}


def _slot(index: int, trials: list[FrozenTrial]) -> Slot:
    attempts = [trial for trial in trials if not is_duplicate(trial)]
    by_state = {trial.state: trial for trial in attempts}
    final = [t for t in attempts if t.state == TrialState.FAIL and not is_retried(t)]
    n_attempts = sum(trial.state != TrialState.WAITING for trial in attempts)
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
    """Trials that finished their slot: complete, pruned, or failed without a retry."""
    return [t for t in trials if t.state.is_finished() and not is_retried(t)]


def is_retried(trial: FrozenTrial) -> bool:
    """Whether it failed and its slot is tried again.

    RETRY alone does not say so: it is written just before a trial is failed, which may finish then.
    """
    return trial.state == TrialState.FAIL and bool(trial.user_attrs.get(RETRY))


def is_duplicate(trial: FrozenTrial) -> bool:
    """Whether it failed because its slot did not need it; by state too, as is_retried."""
    return trial.state == TrialState.FAIL and trial.user_attrs.get(FAILURE) == DUPLICATE


def is_budget_spent(study: Study) -> bool:
    """Whether every slot is finished."""
    return all_finished(study.get_trials(deepcopy=False), study.user_attrs[N_TRIALS])


def all_finished(trials: Sequence[FrozenTrial], n_slots: int) -> bool:
    """Whether each of the first n_slots slots is finished."""
    return all(slot.state in FINISHED for slot in slots_of(trials, n_slots))
