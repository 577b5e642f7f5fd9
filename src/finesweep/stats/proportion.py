"""An exact interval for a proportion."""

from __future__ import annotations

from scipy.special import betaincinv


def clopper_pearson(
    n_successes: int, n_trials: int, *, confidence: float = 0.95
) -> tuple[float, float]:
    """(low, high), the exact interval for the probability of success, each in [0, 1].

    Clopper and Pearson 1934, as quantiles of beta distributions. (0, 1) without trials.
    """
    tail, n_failures = (1 - confidence) / 2, n_trials - n_successes
    low = float(betaincinv(n_successes, n_failures + 1, tail)) if n_successes else 0.0
    high = float(betaincinv(n_successes + 1, n_failures, 1 - tail)) if n_failures else 1.0
    return low, high
