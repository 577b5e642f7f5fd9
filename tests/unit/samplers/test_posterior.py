"""What a study's own trials say, and how far the past carries over."""

from __future__ import annotations

import numpy as np
import pytest

from finesweep.samplers.posterior import Conditioned, expected_improvement
from finesweep.samplers.prior import fit_prior, matern

GRID = np.linspace(0, 1, 21)[:, None]
NONE = np.empty((0, 1))


def test_without_trials_the_prior_decides() -> None:
    prior = fit_prior([GRID], [(GRID[:, 0] - 0.3) ** 2])

    gains = expected_improvement(prior, NONE, np.empty(0), NONE, GRID)

    assert GRID[gains.argmax(), 0] == pytest.approx(0.3, abs=0.05)


def test_improvement_does_not_depend_on_the_scale_of_losses() -> None:
    rows, losses = GRID[[0, 8, 20]], np.array([0.5, 0.1, 0.9])
    gains = expected_improvement(None, rows, losses, NONE, GRID)

    scaled = expected_improvement(None, rows, 7.0 + 100 * losses, NONE, GRID)

    np.testing.assert_allclose(scaled, 100 * gains, rtol=1e-6)


def test_equal_losses_tell_no_scale_and_are_no_error() -> None:
    gains = expected_improvement(None, GRID[[0, 20]], np.array([0.5, 0.5]), NONE, GRID)
    assert np.isfinite(gains).all()


def test_a_trial_under_way_lowers_what_is_expected_around_it() -> None:
    rows, losses = GRID[[0, 20]], np.array([0.5, 0.6])
    free = expected_improvement(None, rows, losses, NONE, GRID)
    taken = expected_improvement(None, rows, losses, GRID[[7]], GRID)

    assert taken[7] < 0.7 * free[7]


def test_the_past_counts_less_once_the_study_contradicts_it() -> None:
    prior = fit_prior([GRID] * 3, [GRID[:, 0]] * 3)  # low is good
    rows, losses = GRID[[0, 4, 8, 12, 16]], 1.0 - GRID[[0, 4, 8, 12, 16], 0]  # high is

    gains = expected_improvement(prior, rows, losses, NONE, GRID)

    assert GRID[gains.argmax(), 0] > 0.8


def test_the_likelihood_is_the_normal_one_with_the_offset_integrated_out() -> None:
    generator = np.random.default_rng(0)
    rows, losses = generator.random((6, 2)), generator.random(6)
    covariance = matern(rows, rows, np.ones(2))
    process = Conditioned(covariance, np.full(6, 0.1))

    offsets = np.linspace(-30, 30, 20001)
    inverse = np.linalg.inv(covariance + 0.1 * np.eye(6))
    apart = losses[:, None] / 2.0 - offsets
    exponents = -0.5 * np.einsum("ts,tu,us->s", apart, inverse, apart)
    integral = np.exp(exponents).sum() * (offsets[1] - offsets[0])
    _, log_determinant = np.linalg.slogdet(covariance + 0.1 * np.eye(6))
    expected = np.log(integral) - 0.5 * log_determinant - 5 * np.log(2.0)

    # Equal but for constants: 2 pi, and one scale of the integrated offset.
    assert process.log_likelihood(losses / 2.0, 2.0) == pytest.approx(
        expected - 0.5 * np.log(2 * np.pi), abs=1e-4
    )


def test_the_likeliest_scale_has_the_largest_likelihood() -> None:
    generator = np.random.default_rng(1)
    rows, mean = generator.random((8, 1)), generator.normal(size=8)
    losses = 3.0 * (mean + generator.normal(0, 0.3, 8))
    process = Conditioned(matern(rows, rows, np.ones(1)), np.full(8, 0.05))

    best = process.likeliest_scale(losses, mean)

    def likelihood(scale: float) -> float:
        return process.log_likelihood(losses / scale - mean, scale)

    assert likelihood(best) > max(likelihood(0.98 * best), likelihood(1.02 * best))
