"""Bootstrap intervals of scores, from resampled rows.

A resample of N rows is a vector of N weights, how often each row was drawn; R of them are a matrix
[R, N], so that one call scores many resamples.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

Scores = Callable[[np.ndarray], Mapping[str, np.ndarray]]
"""Row weights [R, N] → name → scores [R], one for each weighting; NaN where undefined."""
N_RESAMPLES = 2000
"""Enough for two digits of a 95 % interval's bounds."""
CHUNK = 4_000_000
"""Weights in memory at once."""


@dataclass(frozen=True)
class Interval:
    """An estimate with its confidence interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Difference:
    """New minus old, with its interval and one-sided p."""

    interval: Interval
    p_not_above: float
    """Share of resamples whose difference is not above zero, in (0, 1]."""


def bootstrap(
    scores: Scores,
    n_rows: int,
    *,
    seed: int,
    n_resamples: int = N_RESAMPLES,
    level: float = 0.95,
) -> dict[str, Interval]:
    """Each score on all rows, with the percentile interval of resampled rows (Efron 1979)."""
    resamples = _resampled(scores, n_rows, n_resamples=n_resamples, seed=seed)
    return _intervals(scores, n_rows, resamples, level)


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

    resamples = _resampled(gaps, n_rows, n_resamples=n_resamples, seed=seed)
    return {
        name: Difference(interval, (1 + int((resamples[name] <= 0).sum())) / (1 + n_resamples))
        for name, interval in _intervals(gaps, n_rows, resamples, level).items()
    }


def _resampled(
    scores: Scores, n_rows: int, *, n_resamples: int, seed: int
) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    uniform = np.full(n_rows, 1 / n_rows)
    size = max(1, CHUNK // n_rows)
    parts = [
        scores(rng.multinomial(n_rows, uniform, size=min(size, n_resamples - start)) * 1.0)
        for start in range(0, n_resamples, size)
    ]
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def _intervals(
    scores: Scores, n_rows: int, resamples: Mapping[str, np.ndarray], level: float
) -> dict[str, Interval]:
    values = scores(np.ones((1, n_rows)))
    quantiles = [(1 - level) / 2, (1 + level) / 2]
    intervals = {}
    for name, value in values.items():
        if not np.isnan(value[0]):
            low, high = np.nanquantile(resamples[name], quantiles)
            intervals[name] = Interval(float(value[0]), float(low), float(high))
    return intervals
