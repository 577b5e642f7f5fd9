"""Optuna and its sampler hear of every finished trial, and a fenced worker hears that it is."""

from __future__ import annotations

import optuna
import pytest
from optuna.exceptions import UpdateFinishedTrialError
from optuna.samplers import GridSampler, RandomSampler
from optuna.trial import TrialState

from finesweep.sweep.worker.telling import tell


class Listening(RandomSampler):
    """Optuna's own, which remembers what it was told, and may fail at it."""

    def __init__(self, error: Exception | None = None) -> None:
        super().__init__(seed=0)
        self.heard: list[tuple[int, TrialState, object]] = []
        self.error = error

    def after_trial(self, study, trial, state, values) -> None:  # type: ignore[no-untyped-def]
        self.heard.append((trial.number, state, values))
        if self.error:
            raise self.error


def test_the_sampler_hears_of_complete_and_pruned_trials() -> None:
    sampler = Listening()
    study = optuna.create_study(sampler=sampler)
    study.ask()
    tell(study, 0, TrialState.COMPLETE, 0.5, say=pytest.fail)
    study.ask().report(0.7, step=3)
    tell(study, 1, TrialState.PRUNED, None, say=pytest.fail)
    assert sampler.heard == [(0, TrialState.COMPLETE, [0.5]), (1, TrialState.PRUNED, [0.7])]
    assert [trial.value for trial in study.trials] == [0.5, 0.7]


@pytest.mark.parametrize("state", [TrialState.COMPLETE, TrialState.PRUNED])
def test_a_fenced_worker_hears_that_the_trial_is_finished(state: TrialState) -> None:
    study = optuna.create_study()
    study.ask()
    study.tell(0, state=TrialState.FAIL)
    with pytest.raises(UpdateFinishedTrialError, match="trial 0 is FAIL"):
        tell(study, 0, state, 0.5 if state == TrialState.COMPLETE else None, say=pytest.fail)
    assert study.trials[0].state == TrialState.FAIL


def test_a_grid_that_is_searched_through_ends_no_worker() -> None:
    study = optuna.create_study(sampler=GridSampler({"x": [1]}))
    study.ask().suggest_int("x", 1, 3)
    tell(study, 0, TrialState.COMPLETE, 0.5, say=pytest.fail)
    assert study.trials[0].value == 0.5


def test_a_sampler_that_fails_is_told_of_and_loses_no_trial() -> None:
    study = optuna.create_study(sampler=Listening(ZeroDivisionError("by zero")))
    study.ask()
    messages: list[str] = []
    tell(study, 0, TrialState.COMPLETE, 0.5, say=messages.append)
    assert messages == ["the sampler failed after trial 0: ZeroDivisionError: by zero"]
    assert study.trials[0].state == TrialState.COMPLETE
