"""Which settings mattered, within each model."""

from __future__ import annotations

import random

import pytest
from tests.unit.report.made import made_trial

from finesweep.report.importances import importances_of

pytestmark = pytest.mark.slow
MODELS = ["bert", "distilbert"]


def test_the_setting_that_decides_comes_first_and_shares_sum_to_one() -> None:
    drawn = random.Random(0)
    trials = [made_trial(n, MODELS[n % 2], drawn) for n in range(60)]
    for each in importances_of(trials, MODELS, "minimize"):
        assert next(iter(each.shares)) == "training.learning_rate"
        assert sum(each.shares.values()) == pytest.approx(1)
        assert set(each.shares) == {
            "training.learning_rate",
            "training.weight_decay",
            "dataset.max_length",
            "model.freeze_layers",
        }
        assert (each.n_trials, each.n_best) == (30, 5)


def test_pruned_trials_count_as_worse_than_any_complete_one() -> None:
    drawn = random.Random(1)
    trials = [made_trial(n, "bert", drawn, is_pruned=n >= 8) for n in range(24)]
    for trial in trials[8:]:
        trial.value = -1.0  # were it counted, all pruned ones would be best
    (with_pruned,) = importances_of(trials, ["bert"], "minimize")
    for trial in trials[8:]:
        trial.value = 99.0
    (as_worst,) = importances_of(trials, ["bert"], "minimize")
    assert with_pruned == as_worst
    assert (with_pruned.n_trials, with_pruned.n_best) == (24, 5)


@pytest.mark.parametrize(("n_complete", "n_pruned"), [(3, 0), (2, 20), (0, 20)])
def test_with_too_few_trials_there_is_nothing(n_complete: int, n_pruned: int) -> None:
    drawn = random.Random(2)
    trials = [
        made_trial(n, "bert", drawn, is_pruned=n >= n_complete)
        for n in range(n_complete + n_pruned)
    ]
    (each,) = importances_of(trials, ["bert"], "minimize")
    assert each.shares == {}
    assert each.n_trials == n_complete + n_pruned
