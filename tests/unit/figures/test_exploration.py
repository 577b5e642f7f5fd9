"""The figures of a dataset show its numbers, whatever the names of its classes."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.axes import Axes
from tests.unit.figures.drawing import drawn

from finesweep.figures.exploration import balance_figure, truncation_figure

pytestmark = pytest.mark.slow

NAMES = ["$no$", "是的"]


def lengths(scale: float, n: int = 500) -> np.ndarray:
    return np.floor(np.random.default_rng(0).lognormal(scale, 0.8, n)) + 1


def curve(axes: Axes, name: str) -> dict[float, float]:
    (line,) = [line for line in axes.lines if line.get_label() == name]
    return {float(x): float(y) for x, y in np.asarray(line.get_xydata())}


def test_each_class_has_its_share_of_each_split_and_its_rows_as_label() -> None:
    counts = {"train": [30, 10], "test": [1, 0]}
    figure = drawn(balance_figure(counts, NAMES, totals=[100, 4], title="$x$"))
    (axes,) = figure.axes
    assert [[bar.get_width() for bar in bars] for bars in axes.containers] == [
        [0.3, 0.1],
        [0.25, 0.0],
    ]
    assert [text.get_text() for text in axes.texts] == [
        "30 (30.0%)",
        "10 (10.0%)",
        "1 (25.0%)",
        "0 (0.0%)",
    ]
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["train", "test"]


def test_a_name_that_the_font_cannot_draw_is_boxes_and_a_formula_is_plain() -> None:
    (axes,) = drawn(balance_figure({"train": [1, 1]}, NAMES, totals=[2], title="")).axes
    assert [label.get_text() for label in axes.get_yticklabels()] == ["$no$", "□□"]


def test_the_first_class_is_at_the_top() -> None:
    (axes,) = drawn(balance_figure({"train": [1, 1]}, NAMES, totals=[2], title="")).axes
    bottom, top = axes.get_ylim()
    assert bottom > top


def test_the_curve_falls_where_texts_and_their_special_tokens_begin_to_fit() -> None:
    sets = {"train": np.array([14, 30, 31, 2000]), "none": np.zeros(0)}
    figure = truncation_figure({"by split": sets}, n_special=2, chosen=100, title="")
    (axes,) = drawn(figure).axes
    found = curve(axes, "train")
    assert [found[length] for length in (16, 24, 32, 48, 1024)] == [0.75, 0.75, 0.5, 0.25, 0.25]
    assert np.isnan(curve(axes, "none")[16])
    assert [text.get_text() for text in axes.texts] == ["max_length=100"]


def test_eight_classes_are_eight_different_lines() -> None:
    sets = {f"class {k}": lengths(4) for k in range(8)}
    (axes,) = drawn(truncation_figure({"by class": sets}, n_special=2, chosen=64, title="")).axes
    named = [line for line in axes.lines if str(line.get_label()).startswith("class")]
    assert len({line.get_color() for line in named}) == 8
    assert len({line.get_linestyle() for line in named}) == 4
