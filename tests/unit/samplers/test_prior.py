"""The Gaussian process of past studies."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.gaussian_process.kernels import Matern

from finesweep.samplers import prior
from finesweep.samplers.prior import NO_INFLUENCE, fit_prior, matern, standardise

GRID = np.linspace(0, 1, 15)


def rows_with(second: float) -> np.ndarray:
    return np.column_stack([GRID, np.full(15, second)])


def test_the_correlation_is_scikit_learns() -> None:
    rows = np.random.default_rng(0).random((5, 3))
    lengths = np.array([0.5, 1.0, 2.0])
    np.testing.assert_allclose(matern(rows, rows, lengths), Matern(lengths, nu=2.5)(rows))


def test_studies_on_different_scales_have_one_mean() -> None:
    shape = (GRID - 0.6) ** 2
    prior = fit_prior([rows_with(0.5)] * 2, [shape, 100 + 50 * shape])

    expected = prior.mean(rows_with(0.5))

    assert GRID[expected.argmin()] == pytest.approx(0.6, abs=0.08)
    np.testing.assert_allclose(expected, standardise(shape), atol=0.15)


def test_a_column_that_no_study_varied_has_no_influence() -> None:
    prior = fit_prior([rows_with(0.5)], [(GRID - 0.6) ** 2])

    assert prior.lengths[1] == NO_INFLUENCE
    np.testing.assert_allclose(prior.mean(rows_with(0.0)), prior.mean(rows_with(1.0)))


def test_what_is_far_from_past_trials_is_uncertain() -> None:
    near = np.linspace(0, 0.3, 10)[:, None]
    prior = fit_prior([near], [np.sin(9 * near[:, 0])])
    places = np.array([[0.15], [1.0]])

    close, far = prior.variance_at(places)

    assert close < 0.1 * far
    np.testing.assert_allclose(np.diag(prior.covariance(places, places)), [close, far])


def test_many_trials_all_count_though_few_decide_about_the_kernel(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    generator = np.random.default_rng(0)
    rows = generator.random((120, 2))
    losses = np.sin(3 * rows[:, 0]) + 0.1 * generator.normal(size=120)
    whole = fit_prior([rows], [losses])
    monkeypatch.setattr(prior, "MAX_FITTED", 40)

    thinned = fit_prior([rows], [losses])

    assert thinned.variance != whole.variance
    assert len(thinned.rows) == 120
    places = generator.random((50, 2))
    np.testing.assert_allclose(thinned.mean(places), whole.mean(places), atol=0.15)
