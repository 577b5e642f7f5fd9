"""Scores with their uncertainty: rows are drawn again and again, and scored again.

A resample of N rows is a vector of N weights, how often each row was drawn; R of them are a matrix
[R, N], so that a score is taken of many resamples at once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

Scores = Callable[[np.ndarray], Mapping[str, np.ndarray]]
"""Row weights [R, N] → name → that score of each of the R weightings, [R]; NaN where undefined."""
N_RESAMPLES = 2000
"""Enough for the second figure of a 95 % interval's bounds."""
CHUNK = 4_000_000
"""Weights that are in memory at once."""


@dataclass(frozen=True)
class Interval:
    """An estimate with its confidence interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Difference:
    """New minus old, with its interval and how often a resample was not above zero."""

    interval: Interval
    p_not_above: float
    """One-sided, in (0, 1]."""


def bootstrap(
    scores: Scores,
    n_rows: int,
    *,
    seed: int,
    n_resamples: int = N_RESAMPLES,
    level: float = 0.95,
) -> dict[str, Interval]:
    """Each score on all rows, with the percentile interval of resampled rows (Efron 1979)."""
    made = _resampled(scores, n_rows, n_resamples=n_resamples, seed=seed)
    return _intervals(scores, n_rows, made, level)


def paired_bootstrap(
    new: Scores,
    old: Scores,
    n_rows: int,
    *,
    seed: int,
    n_resamples: int = N_RESAMPLES,
    level: float = 0.95,
) -> dict[str, Difference]:
    """New minus old in each score, both on the same resampled rows."""

    def gaps(weights: np.ndarray) -> dict[str, np.ndarray]:
        before = old(weights)
        return {name: value - before[name] for name, value in new(weights).items()}

    made = _resampled(gaps, n_rows, n_resamples=n_resamples, seed=seed)
    return {
        name: Difference(interval, (1 + int((made[name] <= 0).sum())) / (1 + n_resamples))
        for name, interval in _intervals(gaps, n_rows, made, level).items()
    }


def _resampled(
    scores: Scores, n_rows: int, *, n_resamples: int, seed: int
) -> dict[str, np.ndarray]:
    drawn, chances = np.random.default_rng(seed), np.full(n_rows, 1 / n_rows)
    size = max(1, CHUNK // n_rows)
    parts = [
        scores(drawn.multinomial(n_rows, chances, size=min(size, n_resamples - start)) * 1.0)
        for start in range(0, n_resamples, size)
    ]
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def _intervals(
    scores: Scores, n_rows: int, made: Mapping[str, np.ndarray], level: float
) -> dict[str, Interval]:
    values = scores(np.ones((1, n_rows)))
    quantiles = [(1 - level) / 2, (1 + level) / 2]
    found = {}
    for name, value in values.items():
        if not np.isnan(value[0]):
            low, high = np.nanquantile(made[name], quantiles)
            found[name] = Interval(float(value[0]), float(low), float(high))
    return found
