"""Configurations compared over several seeds: means, intervals, and which of them can still win.

Seed noise is assumed equal for all configurations of a sweep and pooled over them: three seeds of
one configuration say little about it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import special  # a tenth of scipy.stats' import time

from finesweep.records import Direction

Values = Mapping[int, Sequence[float]]
"""Configuration → the objective's value for each of its seeds so far, at least one."""


@dataclass(frozen=True)
class Noise:
    """Standard deviation over seeds, with its degrees of freedom."""

    deviation: float
    freedom: int


@dataclass(frozen=True)
class SeedSummary:
    """Mean and interval of one configuration over its seeds."""

    n_seeds: int
    mean: float
    deviation: float
    """Standard deviation over its own seeds; NaN with one seed."""
    low: float
    high: float
    """Confidence interval of the mean; infinite while no configuration has two seeds."""


def seed_noise(values: Values) -> Noise:
    """Noise pooled within configurations; its deviation is NaN while none has two seeds."""
    squares = sum(float(np.var(each) * len(each)) for each in values.values())
    freedom = sum(len(each) - 1 for each in values.values())
    return Noise((squares / freedom) ** 0.5 if freedom else float("nan"), freedom)


def summarize_seeds(values: Values, *, level: float = 0.95) -> dict[int, SeedSummary]:
    """Each configuration's mean with its t interval at this level, in (0, 1)."""
    noise = seed_noise(values)
    summaries = {}
    for key, each in values.items():
        mean, n = float(np.mean(each)), len(each)
        half = float("inf")
        if noise.freedom:
            half = float(special.stdtrit(noise.freedom, (1 + level) / 2)) * noise.deviation / n**0.5
        deviation = float(np.std(each, ddof=1)) if n > 1 else float("nan")
        summaries[key] = SeedSummary(n, mean, deviation, mean - half, mean + half)
    return summaries


def probability_better(values: Values, first: int, second: int, direction: Direction) -> float:
    """Probability in [0, 1] that first's true mean is better, from these seeds alone.

    The posterior of a normal mean under a flat prior, with the pooled noise: Student's t. 0.5 while
    the noise is unknown.
    """
    noise = seed_noise(values)
    gap = float(np.mean(values[second]) - np.mean(values[first]))
    if direction == "maximize":
        gap = -gap
    if not noise.freedom:
        return 0.5
    spread = noise.deviation * (1 / len(values[first]) + 1 / len(values[second])) ** 0.5
    if spread == 0:
        return 0.5 if gap == 0 else float(gap > 0)
    return float(special.stdtr(noise.freedom, gap / spread))


def leader(values: Values, direction: Direction) -> int:
    """The configuration with the best mean; of ties the first in values."""
    sign = 1 if direction == "minimize" else -1
    return min(values, key=lambda key: sign * float(np.mean(values[key])))


def race_survivors(values: Values, direction: Direction, *, alpha: float = 0.05) -> set[int]:
    """Configurations that may still win: the leader, and all that a one-sided t test at alpha does
    not find worse (a race, as in Birattari et al. 2002).

    Alpha applies to each comparison alone: dropping a good configuration costs a little, training a
    hopeless one again costs a trial.
    """
    best = leader(values, direction)
    return {
        key for key in values if probability_better(values, best, key, direction) < 1 - alpha
    } | {best}
