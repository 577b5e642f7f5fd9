"""Which value of a search space stands for a known-good one, and when none does."""

from __future__ import annotations

from typing import Any

import pytest

from finesweep.config import Choice, Dimension, Interval, Range
from finesweep.sweep.study.optuna_private import contains
from finesweep.sweep.study.portfolio.fit import fitted, nearest_value
from finesweep.sweep.study.search_space import distribution

RATE = "training.learning_rate"
SETTING = {RATE: 2e-4, "training.epochs": 3, "dataset.max_length": 48, "frozen_share": 0.34}
RATES = Interval(1e-5, 1e-3, log=True, integer=False)


@pytest.mark.parametrize(
    ("dimension", "value", "expected"),
    [
        (Range(2, 5, 1, log=False), 3, 3),
        (Range(2, 5, 1, log=False), 1, 2),
        (Range(2, 5, 1, log=False), 9, 4),
        (Range(0, 13, 2, log=False), 4.9, 4),
        (Range(0, 13, 2, log=False), 5.1, 6),
        (Range(0, 13, 2, log=False), 5, 4),
        (Range(1, 9, 1, log=True), 100, 8),
        (Range(0.0, 0.3, 0.1, log=False), 0.16, 0.2),
        (Range(0.0, 0.3, 0.1, log=False), 0.9, 0.2),
        (Interval(0.0, 0.1, log=False, integer=False), 0.04, 0.04),
        (Interval(0.0, 0.1, log=False, integer=False), 0.5, 0.1),
        (Interval(1, 9, log=False, integer=True), 3.4, 3),
        (Choice((128, 256)), 48, 128),
        (Choice((24, 32, 48)), 40, 32),
        (Choice((48, 32, 24)), 40, 32),
        (Choice((0, 2, 4, "all")), 6, "all"),
        (Choice((0, 2, 4, "all")), 3, 2),
        (Choice((0, 6, "all")), 6, 6),
    ],
    ids=str,
)
def test_a_value_outside_is_replaced_by_the_nearest_inside(
    dimension: Dimension, value: float, expected: Any
) -> None:
    near = nearest_value(dimension, value, n_layers=6)
    assert (near, type(near)) == (expected, type(expected))
    assert contains(distribution(dimension), near)


def test_only_what_is_searched_is_set_and_depth_is_a_share_of_the_layers() -> None:
    assert fitted(SETTING, {}, n_layers=6) == {}
    space = {RATE: RATES, "model.freeze_layers": Range(0, 7, 1, log=False)}
    assert fitted(SETTING, space, n_layers=6) == {RATE: 2e-4, "model.freeze_layers": 2}
    assert fitted(SETTING, space, n_layers=3) == {RATE: 2e-4, "model.freeze_layers": 1}


@pytest.mark.parametrize(
    ("rates", "expected"),
    [
        (RATES, 2e-4),
        (Interval(1e-5, 1.9e-4, log=True, integer=False), None),
        (Interval(2.1e-4, 1e-3, log=True, integer=False), None),
        (Choice((1e-4, 1e-3)), 1e-4),
        (Choice((1.1e-4, 3.2e-4)), 3.2e-4),  # by difference the first is nearer
        (Choice((2e-5, 5e-4)), None),
        (Choice((2.5e-4, 5e-4)), None),
    ],
    ids=str,
)
def test_a_setting_is_dropped_when_its_rate_is_not_in_the_space(
    rates: Dimension, expected: float | None
) -> None:
    assert fitted(SETTING, {RATE: rates}, n_layers=6) == (expected and {RATE: expected})


def test_a_dimension_without_numbers_is_left_to_the_sampler() -> None:
    space = {RATE: RATES, "training.epochs": Choice(("few", "many"))}
    assert fitted(SETTING, space, n_layers=6) == {RATE: 2e-4}
