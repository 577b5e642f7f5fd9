"""Paired tests of two models on the same rows.

n_gained rows are correct only with the new model, n_lost only with the old one. Rows that both
models get right, or both wrong, say nothing about a difference.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from scipy.special import bdtr, bdtrc, ndtr, ndtri

from finesweep.stats.bootstrap import Interval


def gained_and_lost(right: np.ndarray, was_right: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Indexes of the rows that only the new model gets right, and of those that only the old one
    does; right and was_right [N] bool."""
    return np.flatnonzero(right & ~was_right), np.flatnonzero(was_right & ~right)


def mcnemar(n_gained: int, n_lost: int) -> float:
    """p of the exact one-sided test that the new model is correct more often (McNemar 1947).

    1 when the models never differ.
    """
    n = n_gained + n_lost
    return float(bdtrc(n_gained - 1, n, 0.5)) if n else 1.0


def mcnemar_two_sided(n_gained: int, n_lost: int) -> float:
    """p of the exact test that the models are correct equally often."""
    n = n_gained + n_lost
    return min(1.0, 2 * float(bdtr(min(n_gained, n_lost), n, 0.5))) if n else 1.0


def non_inferiority(n_gained: int, n_lost: int, n_rows: int, *, margin: float) -> float:
    """p of the one-sided test that accuracy falls by less than margin, in [0, 1).

    Tango's score test for paired proportions (Statistics in Medicine 17, 1998); unlike Wald's, it
    keeps its level if few rows differ.
    """
    return float(ndtr(-_score(n_gained, n_lost, n_rows, -margin)))


def accuracy_difference(
    n_gained: int, n_lost: int, n_rows: int, *, level: float = 0.95
) -> Interval:
    """New minus old accuracy, in [-1, 1], with Tango's score interval at the level."""
    # Doubles this module's import time, and only this function needs it.
    from scipy.optimize import brentq

    z, value = float(ndtri((1 + level) / 2)), (n_gained - n_lost) / n_rows

    def bound(target: float, outermost: float) -> float:
        if abs(value - outermost) < 1e-9:
            return outermost
        edge = outermost * (1 - 1e-9)
        return float(
            brentq(lambda d: _score(n_gained, n_lost, n_rows, d) - target, *sorted((value, edge)))
        )

    return Interval(value, bound(z, -1.0), bound(-z, 1.0))


def rows_needed(
    n_gained: int,
    n_lost: int,
    n_rows: int,
    *,
    alpha: float,
    margin: float = 0.0,
    power: float = 0.8,
) -> int | None:
    """Rows with which the test would favour the new model with this power, at the observed rates;
    None if their difference is not above -margin.

    Connor's formula for paired proportions (Biometrics 43, 1987), its difference shifted by margin.
    """
    gained, lost = n_gained / n_rows, n_lost / n_rows
    gap, differing = gained - lost + margin, max(gained + lost, 1 / n_rows)
    if gap <= 0:
        return None
    z_alpha, z_power = ndtri(1 - alpha), ndtri(power)
    spread = max(0.0, differing - (gained - lost) ** 2)
    needed = (z_alpha * differing**0.5 + z_power * spread**0.5) ** 2 / gap**2
    return math.ceil(float(needed))


def holm(p_values: Sequence[float]) -> list[float]:
    """p values adjusted for multiple tests, in the order of p_values (Holm 1979)."""
    order, n, highest = np.argsort(p_values), len(p_values), 0.0
    adjusted = [0.0] * n
    for rank, index in enumerate(order):
        highest = max(highest, min(1.0, (n - rank) * p_values[index]))
        adjusted[index] = highest
    return adjusted


def _score(n_gained: int, n_lost: int, n: int, difference: float) -> float:
    """Tango's statistic, standard normal if the true difference is `difference`."""
    above = n_gained - n_lost - n * difference
    a = 2 * n
    b = -n_gained - n_lost + (2 * n - n_gained + n_lost) * difference
    c = -n_lost * difference * (1 - difference)
    lost = (math.sqrt(max(0.0, b * b - 4 * a * c)) - b) / (2 * a)
    variance = n * (2 * lost + difference * (1 - difference))
    if variance <= 0:
        return math.copysign(math.inf, above) if above else 0.0
    return above / math.sqrt(variance)
