"""A pruner sees one trial for each slot, with all that its attempts have reported."""

from __future__ import annotations

import pytest
from optuna.pruners import MedianPruner, NopPruner
from optuna.trial import TrialState, create_trial
from tests.unit.sweep.study.pruning.curves import EPOCH, run, study_of

from finesweep.sweep.study.keys import FAILURE, RETRY, SLOT
from finesweep.sweep.study.pruning.views import SameModel, one_per_slot
from finesweep.sweep.study.slots import DUPLICATE


def test_a_retried_slot_is_one_trial_with_the_values_of_all_its_attempts() -> None:
    study = study_of(NopPruner())
    run(study, [0.5, 0.4, 0.3], slot=0, killed_after=3)
    run(study, [0.6], slot=0, total=3, killed_after=1)
    run(study, [0.9], slot=1)
    first, second = one_per_slot(study.trials)
    assert (first.number, first.state) == (1, TrialState.FAIL)
    assert first.intermediate_values == {EPOCH: 0.6, 2 * EPOCH: 0.4, 3 * EPOCH: 0.3}
    assert (second.number, second.value) == (2, 0.9)
    run(study, [0.5, 0.4, 0.2], slot=0)
    assert [(t.number, t.value) for t in one_per_slot(study.trials)] == [(2, 0.9), (3, 0.2)]


def test_an_attempt_that_ended_its_slot_stands_for_it_whatever_runs_later() -> None:
    study = study_of(NopPruner())
    run(study, [0.5], slot=0)
    zombie = study.ask()
    zombie.set_user_attr(SLOT, 0)
    (trial,) = one_per_slot(study.trials)
    assert trial.state == TrialState.COMPLETE


def test_waiting_and_duplicate_trials_are_not_seen() -> None:
    study = study_of(NopPruner())
    study.enqueue_trial({}, user_attrs={SLOT: 0})
    dropped = {SLOT: 1, FAILURE: DUPLICATE, RETRY: True}
    study.add_trial(create_trial(state=TrialState.FAIL, user_attrs=dropped))
    assert one_per_slot(study.trials) == []


def test_a_trial_without_a_slot_stands_for_itself() -> None:
    study = study_of(NopPruner())
    for _ in range(2):
        study.tell(study.ask(), 0.5)
    assert [trial.number for trial in one_per_slot(study.trials)] == [0, 1]


@pytest.mark.parametrize("n_startup_trials", [1, 2])
def test_start_up_trials_are_slots_of_the_model(n_startup_trials: int) -> None:
    study = study_of(MedianPruner(n_startup_trials=n_startup_trials))
    run(study, [0.1, 0.1], slot=0, killed_after=1)
    run(study, [0.1, 0.1], slot=0)
    run(study, [0.2, 0.2], slot=1, model="distilbert")
    stopped = run(study, [0.9, 0.9], slot=2)
    assert stopped == (1 if n_startup_trials == 1 else None)
    complete = SameModel(study, "bert").get_trials(states=(TrialState.COMPLETE,))
    assert [trial.user_attrs[SLOT] for trial in complete] == ([0] if stopped else [0, 2])
