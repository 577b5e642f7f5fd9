"""The expected best of n trials, drawn from those that were run."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from finesweep.records import Direction


def expected_best(values: Sequence[float], direction: Direction) -> np.ndarray:
    """[N]: the best value to expect of n = 1 … N trials, each drawn from values with replacement.

    The expected maximum of Dodge et al. 2019, Show Your Work: Improved Reporting of Experimental
    Results, equation 7: the sum over values, worst first, of v_i ((i / N)^n - ((i - 1) / N)^n).
    ValueError without values.
    """
    if not len(values):
        raise ValueError("no values to draw from")
    worst_first = np.sort(values) if direction == "maximize" else np.sort(values)[::-1]
    n_values = len(worst_first)
    shares = np.arange(n_values + 1) / n_values
    powers = shares ** np.arange(1, n_values + 1)[:, None]
    best: np.ndarray = np.diff(powers, axis=1) @ worst_first
    return best
