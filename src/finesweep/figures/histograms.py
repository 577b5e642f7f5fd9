"""Histogram bins shared by all classes: linear or logarithmic, between quantiles."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

_MIN_BINS, _MAX_BINS = 8, 40
"""Number of bins, for few rows and for many."""
_ENDS = (0.002, 0.995)
"""Quantiles at which the axis ends: a few very long texts would leave one bin to all others."""
_WIDE = 60
"""Ratio of the axis ends from which powers of ten suffice as ticks."""
_SKEWED, _SPREAD = 1.0, 5.0
"""Skewness and ratio of the axis ends above which the axis is logarithmic."""

_SAME = 1e-6
"""Difference below which numbers count as equal."""


@dataclass(frozen=True)
class Bins:
    """Ascending edges, and a note for the axis."""

    edges: np.ndarray
    is_log: bool
    note: str

    def heights(self, values: np.ndarray) -> np.ndarray:
        """The share of values in each bin, divided by the bin's drawn width."""
        widths = np.diff(np.log(self.edges) if self.is_log else self.edges)
        heights: np.ndarray = np.histogram(values, self.edges)[0] / widths / max(1, len(values))
        return heights

    def log_ticks(self) -> list[float]:
        """1, 2 and 5 times the powers of ten within the edges, or the powers alone."""
        low, high = self.edges[0], self.edges[-1]
        powers = [10.0**k for k in range(-1, int(np.log10(high)) + 1)]
        steps = (1, 2, 5) if high / low < _WIDE else (1,)
        return [step * power for power in powers for step in steps if low <= step * power <= high]

    def is_right(self, value: float) -> bool:
        """Whether value is in the right half of the axis."""
        low, high = self.edges[0], self.edges[-1]
        middle = np.sqrt(low * high) if self.is_log else (low + high) / 2
        return bool(value > middle)


def bins_for(values: np.ndarray, *, n_rows: int) -> Bins:
    """Bins of all values [N], numbers from 0; whole numbers are spread evenly over bins.

    n_rows: rows of a typical class; the number of bins is its square root, within limits.
    """
    if not len(values):
        return Bins(np.array([0.0, 1.0]), False, "")
    low, high = (float(each) for each in np.quantile(values, _ENDS))
    within = values[(values >= low) & (values <= high)]
    whole = bool((values == np.floor(values)).all())
    is_log = high > _SPREAD * max(low, 1) and _skewness(within) > _SKEWED
    low = max(low, 1.0) if is_log else low
    n_bins = min(max(round(n_rows**0.5), _MIN_BINS), _MAX_BINS)
    edges = (np.geomspace if is_log else np.linspace)(low, high, n_bins + 1)
    if whole:
        edges = _whole_edges(edges)
    elif high - low < _SAME:
        edges = np.array([low - 0.5, low + 0.5])
    return Bins(edges, is_log, _note(values, edges, is_log=is_log))


def _note(values: np.ndarray, edges: np.ndarray, *, is_log: bool) -> str:
    is_all = edges[0] <= values.min() and values.max() <= edges[-1]
    low, high = (100 * each for each in _ENDS)
    clipped = "" if is_all else f"{low:g} to {high:g} % of texts, maximum {values.max():,.0f}"
    return "; ".join(filter(None, ("log scale" if is_log else "", clipped)))


def _skewness(values: np.ndarray) -> float:
    """The third standardised moment; 0 if all values are equal."""
    centred, deviation = values - values.mean(), values.std()
    return float((centred**3).mean() / deviation**3) if deviation > _SAME else 0.0


def _whole_edges(edges: np.ndarray) -> np.ndarray:
    """Edges between whole numbers, as many in each bin as its width needs."""
    floors = np.floor(edges)
    floors[-1] += 1
    return np.unique(floors) - 0.5
