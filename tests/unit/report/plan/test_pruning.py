"""What the sweep's own pruner leaves of made learning curves."""

from __future__ import annotations

import pytest
from tests.unit.report.plan.made import draw

from finesweep.config import compose_sweep
from finesweep.report.plan.pruning import share_trained

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("workplace")]

DRAWS = [draw(epochs=1, evaluations=4)]


def share(pruner: str, n_trials: int = 10) -> tuple[float, float]:
    plan = compose_sweep("demo", [f"sweep.pruner={pruner}"])
    return share_trained(plan, DRAWS, n_trials, train_rows=100)


def test_without_a_pruner_all_is_trained() -> None:
    assert share("null") == (1.0, 1.0)


def test_a_pruner_that_stops_each_trial_at_once_leaves_the_first_evaluation() -> None:
    assert share("{_target_: optuna.pruners.ThresholdPruner, upper: -1e9}") == (0.25, 0.25)


def test_a_median_pruner_leaves_the_more_the_later_it_begins() -> None:
    low, high = share("{n_startup_trials: 1}")
    later_low, later_high = share("{n_startup_trials: 8}")
    assert 0.3 < low < high < 0.8
    assert low < later_low < later_high <= 1.0
