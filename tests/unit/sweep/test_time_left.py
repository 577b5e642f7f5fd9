"""The time that a sweep still takes follows its finished trials and its workers' progress."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest
from optuna import Study
from optuna.trial import TrialState, create_trial
from tests.unit.sweep.studies import add_trial, new_study

from finesweep.config import ConfirmConfig
from finesweep.sweep.selection.state import read_state
from finesweep.sweep.study.keys import ATTEMPT, SLOT
from finesweep.sweep.study.leases import WorkerRow
from finesweep.sweep.study.optuna_private import engine_of
from finesweep.sweep.time_left import seconds_left

pytestmark = pytest.mark.slow


@pytest.fixture
def study() -> Iterator[Study]:
    made = new_study(n_trials=4)
    yield made
    engine_of(made).dispose()


def finish(
    study: Study, slot: int, seconds: float, state: TrialState = TrialState.COMPLETE
) -> None:
    value = 0.5 if state == TrialState.COMPLETE else None
    trial = create_trial(state=state, value=value, user_attrs={SLOT: slot, ATTEMPT: 1})
    trial.datetime_complete = datetime.now()
    trial.datetime_start = trial.datetime_complete - timedelta(seconds=seconds)
    study.add_trial(trial)


def worker(trial: int | None, step: int | None, *, study: str = "demo") -> WorkerRow:
    """One at the trial of this number, in the slot of the same number."""
    return WorkerRow("id", study, "host", "machine", 1, 0.0, 0.0, trial, trial, step, 100)


def test_nothing_is_known_before_a_trial_has_done_a_fifth(study: Study) -> None:
    running = create_trial(state=TrialState.RUNNING, user_attrs={SLOT: 0, ATTEMPT: 1})
    running.datetime_start = datetime.now() - timedelta(seconds=30)
    study.add_trial(running)
    state = read_state(study)
    assert seconds_left(state, [worker(0, 10)]) is None
    # 30 s for a half: 30 s more for this one, and three times 60 s.
    assert seconds_left(state, [worker(0, 50)]) == pytest.approx(210, abs=5)


def test_a_resumed_trial_says_nothing_of_the_others(study: Study) -> None:
    running = create_trial(state=TrialState.RUNNING, user_attrs={SLOT: 0, ATTEMPT: 2})
    running.datetime_start = datetime.now() - timedelta(seconds=30)
    study.add_trial(running)
    assert seconds_left(read_state(study), [worker(0, 50)]) is None


def test_running_trials_count_for_what_is_left_of_them(study: Study) -> None:
    finish(study, 0, 10)
    finish(study, 1, 30, TrialState.PRUNED)
    add_trial(study, TrialState.RUNNING)
    state = read_state(study)
    assert seconds_left(state, [worker(2, 75)]) == pytest.approx(1.25 * 20)
    # A worker that confirms has a slot of another study.
    other = worker(2, 75, study="demo+confirmation")
    assert seconds_left(state, [other]) == pytest.approx(2 * 20)
    # More workers than slots do not make the last one shorter.
    four = [worker(2, 75), *[worker(None, None)] * 3]
    assert seconds_left(state, four) == pytest.approx(20)


def test_a_confirmation_that_has_not_begun_counts_with_complete_trials(study: Study) -> None:
    finish(study, 0, 60)
    finish(study, 1, 20, TrialState.PRUNED)
    confirm = ConfirmConfig(top_k=3, seeds=2)
    left = seconds_left(read_state(study), [worker(None, None)], confirm=confirm)
    assert left == pytest.approx(2 * 40 + 6 * 60)
    for slot in (2, 3):
        finish(study, slot, 20)
    assert seconds_left(read_state(study), []) == 0
