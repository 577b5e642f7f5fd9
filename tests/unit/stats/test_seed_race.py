"""Which configuration leads, and how sure that is, from a few seeds of each."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from finesweep.stats.seed_race import (
    leader,
    probability_better,
    race_survivors,
    seed_noise,
    summarize_seeds,
)

VALUES = {4: [0.50, 0.54, 0.52], 7: [0.60, 0.62, 0.58], 1: [0.53, 0.55]}


def test_noise_is_pooled_within_configurations() -> None:
    noise = seed_noise(VALUES)
    squares = 2 * 0.0004 + 2 * 0.0004 + 0.0002
    assert noise.deviation == pytest.approx((squares / 5) ** 0.5)
    assert noise.freedom == 5


def test_the_interval_is_students_with_the_pooled_noise() -> None:
    result = summarize_seeds(VALUES)[4]
    half = stats.t.ppf(0.975, 5) * seed_noise(VALUES).deviation / 3**0.5
    assert (result.n_seeds, result.mean) == (3, pytest.approx(0.52))
    assert result.deviation == pytest.approx(0.02)
    assert (result.low, result.high) == pytest.approx((0.52 - half, 0.52 + half))


def test_with_one_seed_each_the_noise_is_unknown() -> None:
    values = {0: [0.4], 1: [0.9]}
    result = summarize_seeds(values)[0]
    assert (result.low, result.high) == (float("-inf"), float("inf"))
    assert np.isnan(result.deviation)
    assert probability_better(values, 0, 1, "minimize") == 0.5
    assert race_survivors(values, "minimize") == {0, 1}


def test_the_probability_is_that_of_two_sample_t_with_pooled_variance() -> None:
    """Against SciPy's own test on two configurations, whose pooled noise is the same."""
    values = {0: [30.02, 29.99, 30.11, 29.97, 30.01, 29.99], 1: [29.89, 29.93, 29.72, 29.98]}
    expected = stats.ttest_ind(values[0], values[1], alternative="greater").pvalue
    assert probability_better(values, 1, 0, "minimize") == pytest.approx(1 - expected)
    assert probability_better(values, 0, 1, "maximize") == pytest.approx(1 - expected)
    assert probability_better(values, 0, 1, "minimize") == pytest.approx(expected)


def test_a_hopeless_configuration_leaves_the_race_and_a_close_one_stays() -> None:
    assert leader(VALUES, "minimize") == 4
    assert race_survivors(VALUES, "minimize") == {4, 1}
    assert leader(VALUES, "maximize") == 7
    assert race_survivors(VALUES, "maximize") == {7}


@pytest.mark.parametrize(("gap", "kept"), [(0.0, {0, 1}), (0.1, {0})])
def test_seeds_without_any_noise_decide_at_once(gap: float, kept: set[int]) -> None:
    assert race_survivors({0: [0.5, 0.5], 1: [0.5 + gap, 0.5 + gap]}, "minimize") == kept


def test_the_race_seldom_drops_an_equal() -> None:
    """Two equal configurations of three seeds: at most alpha, here both ways and so twice it."""
    drawn = np.random.default_rng(0)
    dropped = [
        len(race_survivors({0: drawn.normal(size=3), 1: drawn.normal(size=3)}, "minimize")) < 2
        for _ in range(2000)
    ]
    assert np.mean(dropped) == pytest.approx(0.10, abs=0.02)


def test_quantiles_and_odds_are_those_of_scipys_t() -> None:
    """They are computed without scipy.stats, which takes a second to import."""
    for freedom in range(1, 40):
        for gap in (-3.0, -0.5, 0.0, 0.1, 2.0):
            values = {0: [0.0], 1: [gap], 2: list(np.arange(freedom + 1) * 1.0)}
            noise = seed_noise(values)
            assert noise.freedom == freedom
            spread = noise.deviation * 2**0.5
            theirs = stats.t.cdf(gap / spread, freedom)
            ours = probability_better(values, 0, 1, "minimize")
            assert ours == pytest.approx(theirs, rel=1e-12, abs=1e-12)
            half = stats.t.ppf(0.975, freedom) * noise.deviation
            assert summarize_seeds(values)[0].high == pytest.approx(half, rel=1e-12)
