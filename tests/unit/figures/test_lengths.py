"""Histograms of lengths compare classes fairly, whatever their names."""

from __future__ import annotations

import numpy as np
import pytest
from tests.unit.figures.drawing import drawn

from finesweep.figures.lengths import lengths_figure

pytestmark = pytest.mark.slow

NAMES = ["$no$", "是的"]


def lengths(scale: float, n: int = 500) -> np.ndarray:
    return np.floor(np.random.default_rng(0).lognormal(scale, 0.8, n)) + 1


def test_each_class_has_a_histogram_of_each_measure_with_its_median() -> None:
    values = {"words": [lengths(3), lengths(5)], "tokens": [lengths(4), lengths(4)]}
    panels = drawn(lengths_figure(values, NAMES, title="")).axes
    assert [axes.get_title() for axes in panels] == ["words", "tokens", "", ""]
    assert [axes.get_ylabel() for axes in panels] == ["$no$", "", "□□", ""]
    medians = [f"{np.median(lengths(scale)):.0f}" for scale in (3, 4, 5, 4)]
    assert [axes.texts[0].get_text() for axes in panels] == medians


def test_the_classes_share_the_axes_of_a_measure_so_that_they_compare() -> None:
    values = {"words": [lengths(3), lengths(5)]}
    first, second = drawn(lengths_figure(values, NAMES, title="")).axes
    assert first.get_xlim() == second.get_xlim()
    assert first.get_ylim() == second.get_ylim()
    assert first.get_xscale() == "log"
    assert second.get_xlabel().startswith("log scale; 0.2 to 99.5 % of texts, maximum ")


def test_a_class_without_texts_is_an_empty_panel() -> None:
    _, empty = drawn(lengths_figure({"words": [lengths(3), np.zeros(0)]}, NAMES, title="")).axes
    assert (len(empty.texts), len(empty.patches)) == (0, 0)
