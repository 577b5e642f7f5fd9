"""Intervals from resampled rows: width, pairing, and undefined scores."""

from __future__ import annotations

import numpy as np
import pytest

from finesweep.stats.bootstrap import Scores, bootstrap, paired_bootstrap


def mean_of(values: np.ndarray) -> Scores:
    return lambda weights: {"mean": weights @ values / weights.sum(axis=1)}


def test_a_bootstrapped_mean_has_the_standard_error_of_a_mean() -> None:
    values = np.random.default_rng(0).normal(size=500)
    result = bootstrap(mean_of(values), 500, n_resamples=4000, seed=1)
    half = 1.96 * values.std() / 500**0.5
    assert result["mean"].value == pytest.approx(values.mean())
    assert (result["mean"].low, result["mean"].high) == pytest.approx(
        (values.mean() - half, values.mean() + half), abs=0.01
    )
    assert result == bootstrap(mean_of(values), 500, n_resamples=4000, seed=1)


def test_more_rows_than_fit_in_a_chunk_are_resampled_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    scores = mean_of(np.random.default_rng(0).normal(size=50))
    whole = bootstrap(scores, 50, n_resamples=300, seed=1)
    monkeypatch.setattr("finesweep.stats.bootstrap.CHUNK", 500)
    parts = bootstrap(scores, 50, n_resamples=300, seed=1)
    assert parts["mean"].low == pytest.approx(whole["mean"].low)


def test_an_undefined_score_has_no_interval_and_undefined_resamples_are_left_out() -> None:
    def scores(weights: np.ndarray) -> dict[str, np.ndarray]:
        held = np.where(weights[:, 0] > 0, weights[:, 0], np.nan)
        return {"never": np.full(len(weights), np.nan), "sometimes": held}

    result = bootstrap(scores, 10, n_resamples=500, seed=0)
    assert list(result) == ["sometimes"]
    assert result["sometimes"].low == 1


def test_a_paired_difference_is_significant_when_two_separate_ones_are_not() -> None:
    drawn = np.random.default_rng(4)
    old = drawn.normal(1.0, 1.0, size=400)
    new = old + 0.05 + drawn.normal(0, 0.1, size=400)
    result = paired_bootstrap(mean_of(new), mean_of(old), 400, seed=5)["mean"]
    assert result.interval.low > 0.03
    assert result.p_not_above == pytest.approx(1 / 2001)
    swapped = paired_bootstrap(mean_of(old), mean_of(new), 400, seed=5)["mean"]
    assert swapped.interval.value == pytest.approx(-result.interval.value)
    assert swapped.p_not_above == 1.0
