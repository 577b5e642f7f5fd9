"""Each slot is finished once, whatever happened to its attempts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import optuna
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from optuna import Study
from optuna.samplers import RandomSampler
from optuna.trial import FrozenTrial, TrialState, create_trial

from finesweep.sweep.study.keys import ATTEMPT, FAILURE, RETRY, SLOT
from finesweep.sweep.study.slots import (
    DUPLICATE,
    FINISHED,
    claim,
    counts,
    finished_trials,
    refill,
    slots_of,
)

COMPLETE, PRUNED, FAIL = TrialState.COMPLETE, TrialState.PRUNED, TrialState.FAIL
RUNNING, WAITING = TrialState.RUNNING, TrialState.WAITING
AGAIN = "FAIL, to be tried again"
ENDS = (COMPLETE, PRUNED, FAIL, AGAIN)


def attempt(slot: int | None, end: TrialState | str) -> FrozenTrial:
    attributes: dict[str, Any] = {} if slot is None else {SLOT: slot}
    if end in (FAIL, AGAIN):
        attributes[RETRY] = end == AGAIN
    state = FAIL if end == AGAIN else end
    return create_trial(
        state=state, value=0.5 if state == COMPLETE else None, user_attrs=attributes
    )


def finish(study: Study, claimed: FrozenTrial, end: TrialState | str) -> None:
    if end in (FAIL, AGAIN):
        study._storage.set_trial_user_attr(claimed._trial_id, RETRY, end == AGAIN)
    state = FAIL if end == AGAIN else end
    study.tell(claimed.number, 0.5 if state == COMPLETE else None, state=state)


def worked(study: Study, n_slots: int, end: Callable[[], TrialState | str]) -> list[int]:
    """Slots in the order of their attempts, until none waits."""
    order = []
    while True:
        refill(study, study.trials, n_slots, {}, queue_length=2)
        if (claimed := claim(study, n_slots)) is None:
            return order
        order.append(claimed.user_attrs[SLOT])
        finish(study, claimed, end())


def queued(study: Study) -> list[FrozenTrial]:
    return study.get_trials(states=(WAITING,))


@pytest.fixture
def study() -> Study:
    return optuna.create_study()


@pytest.mark.parametrize(
    ("history", "state", "decided_by", "n_attempts"),
    [
        ([], "waiting", None, 0),
        ([WAITING], "waiting", None, 0),
        ([RUNNING], "running", 0, 1),
        ([COMPLETE], "complete", 0, 1),
        ([PRUNED], "pruned", 0, 1),
        ([FAIL], "failed", 0, 1),
        ([AGAIN], "waiting", 0, 1),
        ([AGAIN, WAITING], "waiting", 0, 1),
        ([AGAIN, AGAIN, RUNNING], "running", 2, 3),
        ([AGAIN, COMPLETE], "complete", 1, 2),
        ([AGAIN, PRUNED], "pruned", 1, 2),
        ([AGAIN, FAIL], "failed", 1, 2),
        # A worker that was taken for dead, and finished after its slot was given to another.
        ([COMPLETE, RUNNING], "complete", 0, 2),
        ([FAIL, COMPLETE], "complete", 1, 2),
        ([PRUNED, FAIL], "pruned", 0, 2),
    ],
)
def test_a_slot_is_what_its_attempts_made_of_it(
    history: list[TrialState | str], state: str, decided_by: int | None, n_attempts: int
) -> None:
    trials = [attempt(0, end) for end in history]
    (slot,) = slots_of(trials, 1)
    assert (slot.index, slot.state, slot.n_attempts) == (0, state, n_attempts)
    assert slot.trial is (None if decided_by is None else trials[decided_by])


def test_trials_of_other_slots_and_of_none_do_not_count() -> None:
    slots = slots_of([attempt(1, PRUNED), attempt(2, COMPLETE), attempt(None, COMPLETE)], 2)
    assert [(slot.index, slot.state) for slot in slots] == [(0, "waiting"), (1, "pruned")]


@settings(max_examples=100, deadline=None)
@given(
    history=st.lists(st.tuples(st.integers(0, 6), st.sampled_from([*ENDS, RUNNING, WAITING]))),
    n_slots=st.integers(0, 5),
)
def test_counts_sum_to_the_number_of_slots(
    history: list[tuple[int, TrialState | str]], n_slots: int
) -> None:
    found = counts(slots_of([attempt(slot, end) for slot, end in history], n_slots))
    assert list(found) == ["complete", "pruned", "failed", "running", "waiting"]
    assert sum(found.values()) == n_slots


def test_the_queue_holds_the_lowest_missing_slots_up_to_its_length(study: Study) -> None:
    study.add_trials([attempt(0, COMPLETE), attempt(1, RUNNING), attempt(2, AGAIN)])
    refill(study, study.trials, 9, {}, queue_length=3)
    refill(study, study.trials, 9, {}, queue_length=3)
    found = [(trial.user_attrs[SLOT], trial.user_attrs[ATTEMPT]) for trial in queued(study)]
    assert found == [(2, 2), (3, 1), (4, 1)]


def test_the_queue_ends_with_the_last_slot(study: Study) -> None:
    refill(study, study.trials, 2, {}, queue_length=5)
    assert [trial.user_attrs[SLOT] for trial in queued(study)] == [0, 1]


@pytest.mark.parametrize("end", [COMPLETE, PRUNED, RUNNING])
def test_a_trial_that_ended_before_it_could_be_failed_is_not_tried_again(
    end: TrialState, study: Study
) -> None:
    trial = attempt(0, end)
    for name, value in ((FAILURE, DUPLICATE), (RETRY, True)):
        trial.set_user_attr(name, value)
    study.add_trial(trial)
    refill(study, study.trials, 1, {}, queue_length=3)
    assert queued(study) == []
    assert [slot.state for slot in slots_of(study.trials, 1)] == [end.name.lower()]
    assert len(finished_trials(study.trials)) == (end != RUNNING)


def test_enqueued_params_are_what_their_slot_tries_again_after_a_failure(study: Study) -> None:
    refill(study, study.trials, 2, {0: {"x": 0.25}}, queue_length=2)
    for expected_attempt in (1, 2):
        claimed = claim(study, 2)
        assert claimed is not None
        assert (claimed.user_attrs[SLOT], claimed.user_attrs[ATTEMPT]) == (0, expected_attempt)
        trial = optuna.Trial(study, claimed._trial_id)
        assert trial.suggest_float("x", 0, 1) == 0.25
        finish(study, claimed, AGAIN)
        refill(study, study.trials, 2, {0: {"x": 0.25}}, queue_length=2)
    assert "fixed_params" in queued(study)[-1].system_attrs
    (free,) = (trial for trial in queued(study) if trial.user_attrs[SLOT] == 1)
    assert free.system_attrs["fixed_params"] == {}


def test_a_retried_slot_keeps_what_the_sampler_noted_but_no_decision_of_the_pruner(
    study: Study,
) -> None:
    noted = {"NSGAIISampler:generation": 3, "completed_rung_0": 0.5, "fixed_params": {"x": 1}}
    failed = create_trial(
        state=FAIL, system_attrs=noted, user_attrs={SLOT: 0, ATTEMPT: 1, RETRY: True}
    )
    study.add_trial(failed)
    refill(study, study.trials, 1, {}, queue_length=1)
    (again,) = queued(study)
    assert again.system_attrs == {"NSGAIISampler:generation": 3, "fixed_params": {"x": 1}}
    assert again.user_attrs == {SLOT: 0, ATTEMPT: 2}


def test_the_lowest_slot_is_claimed_first_though_it_was_enqueued_last(study: Study) -> None:
    for slot in (3, 1, 2):
        study.enqueue_trial({}, user_attrs={SLOT: slot, ATTEMPT: 1})
    claimed = [claim(study, 4) for _ in range(3)]
    assert [trial.user_attrs[SLOT] for trial in claimed if trial] == [1, 2, 3]
    assert {trial.state for trial in study.trials} == {RUNNING}


def test_nothing_to_claim_makes_no_trial(study: Study) -> None:
    assert claim(study, 5) is None
    study.enqueue_trial({"x": 1}, user_attrs={"made": "by hand"})
    study.enqueue_trial({}, user_attrs={SLOT: 5})
    assert claim(study, 5) is None
    assert [trial.state for trial in study.trials] == [WAITING, WAITING]


@pytest.mark.parametrize("end", [None, COMPLETE])
def test_a_trial_that_another_claimed_meanwhile_is_left_to_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, end: TrialState | None
) -> None:
    url = f"sqlite:///{tmp_path / 'optuna.db'}"
    ours = optuna.create_study(storage=url, study_name="s")
    theirs = optuna.load_study(storage=url, study_name="s")
    refill(ours, ours.trials, 2, {}, queue_length=2)
    read = ours.get_trials

    def overtaken(**asked: Any) -> list[FrozenTrial]:
        found = read(**asked)
        taken = claim(theirs, 2)
        assert taken is not None
        assert taken.user_attrs[SLOT] == 0
        if end is not None:
            finish(theirs, taken, end)
        return found

    monkeypatch.setattr(ours, "get_trials", overtaken)
    claimed = claim(ours, 2)
    assert claimed is not None
    assert claimed.user_attrs[SLOT] == 1


def test_the_sampler_of_a_claimed_trial_knows_what_finished_before_it(study: Study) -> None:
    seen = []

    class Looking(RandomSampler):
        def sample_independent(self, study: Study, *asked: Any) -> Any:
            known = study._get_trials(deepcopy=False, use_cache=True)
            seen.append([trial.state for trial in known])
            return super().sample_independent(study, *asked)

    study.sampler = Looking()
    refill(study, study.trials, 2, {}, queue_length=2)
    for _ in range(2):
        study._get_trials(use_cache=True)  # as samplers do when a trial has ended
        claimed = claim(study, 2)
        assert claimed is not None
        optuna.Trial(study, claimed._trial_id).suggest_float("x", 0, 1)
        finish(study, claimed, COMPLETE)
    assert seen == [[RUNNING, WAITING], [COMPLETE, RUNNING]]


@settings(max_examples=60, deadline=None)
@given(ends=st.lists(st.sampled_from(ENDS), max_size=25), n_slots=st.integers(1, 8))
def test_each_slot_is_finished_once_however_often_it_is_retried(
    ends: list[TrialState | str], n_slots: int
) -> None:
    study, drawn = optuna.create_study(), iter(ends)
    order = worked(study, n_slots, lambda: next(drawn, COMPLETE))
    final = [t.user_attrs[SLOT] for t in study.trials if not t.user_attrs.get(RETRY)]
    assert sorted(final) == list(range(n_slots))
    assert len(study.trials) == len(order) == n_slots + ends[: len(order)].count(AGAIN)
    for slot in slots_of(study.trials, n_slots):
        assert slot.state in FINISHED
        assert slot.n_attempts == Counter(order)[slot.index]
    assert worked(study, n_slots, lambda: COMPLETE) == []
    assert len(study.trials) == len(order)


def test_more_slots_go_on_where_the_sweep_ended(study: Study) -> None:
    assert worked(study, 3, lambda: COMPLETE) == [0, 1, 2]
    assert worked(study, 5, lambda: PRUNED) == [3, 4]
    assert counts(slots_of(study.trials, 5))["complete"] == 3


def test_fewer_slots_leave_the_rest_of_the_queue_where_it_is(study: Study) -> None:
    refill(study, study.trials, 5, {}, queue_length=4)
    assert worked(study, 2, lambda: COMPLETE) == [0, 1]
    assert [trial.user_attrs[SLOT] for trial in queued(study)] == [2, 3]
    assert worked(study, 4, lambda: COMPLETE) == [2, 3]
    assert len(study.trials) == 4


def test_a_queue_of_slots_beyond_the_last_does_not_starve_the_others(study: Study) -> None:
    refill(study, study.trials, 5, {}, queue_length=4)
    claimed = claim(study, 5)
    assert claimed is not None
    finish(study, claimed, AGAIN)
    assert worked(study, 1, lambda: COMPLETE) == [0]
