"""Bins that classes share neither comb whole numbers nor stretch to the longest text."""

from __future__ import annotations

import numpy as np
import pytest

from finesweep.figures.histograms import Bins
from finesweep.figures.histograms import bins_for as bins_for_rows


def bins_for(values: np.ndarray) -> Bins:
    """The bins of one class that has all the values."""
    return bins_for_rows(values, n_rows=len(values))


def test_even_numbers_have_a_linear_axis_over_all_of_them() -> None:
    bins = bins_for(np.linspace(3.0, 6.0, 1000))
    assert (bins.is_log, len(bins.edges)) == (False, 33)
    assert bins.edges[0] == pytest.approx(3.006)
    assert bins.edges[-1] == pytest.approx(5.985)


def test_skewed_numbers_have_a_logarithmic_axis_that_says_so() -> None:
    values = np.floor(np.random.default_rng(0).lognormal(5, 1, 20_000)) + 1
    bins = bins_for(values)
    assert bins.is_log
    assert bins.note == f"log scale; 0.2 to 99.5 % of texts, maximum {values.max():,.0f}"
    assert bins.edges[-1] < 0.5 * values.max()


def test_whole_numbers_are_inside_bins_as_wide_as_their_count() -> None:
    bins = bins_for(np.arange(1, 121, dtype=float))
    assert all(edge % 1 == 0.5 for edge in bins.edges)
    np.testing.assert_allclose(bins.heights(np.arange(1, 121)), 1 / 120, rtol=0.01)


@pytest.mark.parametrize("values", [[7.0] * 5, [4.3] * 5, [0.0], [0.1 + 0.2, 0.3]])
def test_numbers_that_are_all_the_same_are_one_bin(values: list[float]) -> None:
    bins = bins_for(np.array(values))
    assert bins.heights(np.array(values)).tolist() == [1.0]
    assert (bins.is_log, bins.note) == (False, "")


def test_nothing_has_an_empty_bin() -> None:
    assert bins_for(np.zeros(0)).heights(np.zeros(0)).tolist() == [0.0]


def test_a_logarithmic_axis_has_few_ticks_wide_or_narrow() -> None:
    random = np.random.default_rng(0)
    narrow = bins_for(np.floor(random.lognormal(4, 0.6, 5000)) + 1)
    assert narrow.log_ticks() == [10, 20, 50, 100, 200]
    wide = bins_for(np.floor(random.lognormal(5, 1.2, 5000)) + 1)
    assert wide.log_ticks() == [10, 100, 1000]


def test_the_halves_of_an_axis_are_as_drawn() -> None:
    bins = bins_for(np.floor(np.random.default_rng(0).lognormal(5, 1, 20_000)) + 1)
    middle = np.sqrt(bins.edges[0] * bins.edges[-1])
    assert (bins.is_right(0.9 * middle), bins.is_right(1.1 * middle)) == (False, True)


@pytest.mark.parametrize(("n_rows", "n_bins"), [(0, 8), (400, 20), (10_000, 40)])
def test_small_classes_have_wider_bins(n_rows: int, n_bins: int) -> None:
    assert len(bins_for_rows(np.linspace(0, 1, 500), n_rows=n_rows).edges) == n_bins + 1
