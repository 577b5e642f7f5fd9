"""What a report reads of a study, at any moment of its sweep."""

from __future__ import annotations

import pytest
from optuna.trial import TrialState, create_trial
from tests.unit.report.made import best_of, decide, made_study, record

from finesweep.sweep.study.keys import N_TRIALS, REASON, RETRY, SLOT

pytestmark = pytest.mark.slow


def test_settings_of_one_path_are_one_dimension_whatever_the_model() -> None:
    dimensions = {each.path: each for each in record(made_study(6)).dimensions}
    assert list(dimensions) == [
        "dataset.max_length",
        "model.freeze_layers",
        "training.learning_rate",
        "training.weight_decay",
    ]
    assert [path for path, each in dimensions.items() if each.is_log] == ["training.learning_rate"]
    assert not any(each.choices for each in dimensions.values())  # lengths are numbers


def test_retried_attempts_are_left_out_and_running_trials_are_in() -> None:
    study = made_study(3)
    study.add_trial(create_trial(state=TrialState.FAIL, user_attrs={SLOT: 3, RETRY: True}))
    study.add_trial(create_trial(state=TrialState.FAIL, user_attrs={SLOT: 4, REASON: "no"}))
    study.ask().report(0.5, step=100)
    read = record(study)
    assert [curve.row.trial for curve in read.curves] == [0, 1, 2, 4, 5]
    assert read.curves[-1].points == [(100, 0.5)]
    assert read.curves[-1].row.state == "RUNNING"


def test_a_winner_of_a_smaller_budget_is_none_any_more() -> None:
    study = made_study(6)
    decide(study)
    assert record(study).finalist is not None
    study.set_user_attr(N_TRIALS, 8)
    read = record(study)
    assert read.finalist is None
    assert read.chosen == best_of(study)
    assert not read.is_decided


def test_time_is_summed_by_model_and_told_from_first_start_to_last_end() -> None:
    study = made_study(4)
    read = record(study)
    assert read.wall_seconds == 3 * 30 + 24
    training = [seconds["seconds/training"] for seconds in read.seconds_by_model.values()]
    assert sum(training) == 4 * 20


def test_a_sweep_without_trials_is_read() -> None:
    read = record(made_study(0, target=5))
    assert (read.chosen, read.leader, read.train_command) == (None, None, None)
    assert read.models == []
