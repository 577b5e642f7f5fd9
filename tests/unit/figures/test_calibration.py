"""The calibration figure, from probabilities of a known kind."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from scipy.special import softmax
from tests.unit.figures.drawing import drawn

from finesweep.figures import calibration_figure
from finesweep.records import DecisionRule

pytestmark = pytest.mark.slow


def answered(n_classes: int, n: int = 400) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(n_classes)
    probabilities = softmax(random.normal(scale=1.5, size=(n, n_classes)), axis=1)
    return probabilities, np.array([random.choice(n_classes, p=row) for row in probabilities])


def draw(
    probabilities: np.ndarray, labels: np.ndarray, names: list[str], uncertain_below: float = 0.7
) -> Figure:
    figure = calibration_figure(
        probabilities,
        labels,
        names,
        rule=DecisionRule(uncertain_below=uncertain_below),
        title="test $ _x_",
    )
    return drawn(figure)


def legend(axes: Axes) -> list[str]:
    legend = axes.get_legend()
    return [] if legend is None else [text.get_text() for text in legend.get_texts()]


def test_three_classes_have_three_curves_named_with_their_areas() -> None:
    roc, precision_recall, calibration, coverage = draw(*answered(3), ["a", "b", "$c$"]).axes
    assert [text.split()[0] for text in legend(roc)] == ["a", "b", "$c$"]
    areas = [float(text.split()[1]) for text in legend(roc)]
    assert all(0.7 < area < 0.95 for area in areas)
    assert len(legend(precision_recall)) == 3
    assert calibration.get_title().startswith("calibration, expected error 0.0")
    (annotation,) = [text.get_text() for text in coverage.texts]
    assert annotation.startswith("UNCERTAIN below 0.70:")


def test_only_the_second_of_two_classes_is_drawn() -> None:
    roc, *_ = draw(*answered(2), ["no", "yes"]).axes
    assert [text.split()[0] for text in legend(roc)] == ["yes"]


def test_many_classes_are_drawn_without_a_legend_over_the_curves() -> None:
    roc, *_ = draw(*answered(12, 1500), [f"class {k}" for k in range(12)]).axes
    assert legend(roc) == []
    assert len(roc.get_lines()) == 13


def test_a_class_without_rows_has_no_curve() -> None:
    probabilities, labels = answered(3)
    labels[labels == 2] = 1
    roc, *_ = draw(probabilities, labels, ["a", "b", "c"]).axes
    assert [text.split()[0] for text in legend(roc)] == ["a", "b"]


@pytest.mark.parametrize("threshold", [0.0, 1.1])
def test_full_and_zero_coverage_are_drawn(threshold: float) -> None:
    *_, coverage = draw(*answered(2), ["no", "yes"], uncertain_below=threshold).axes
    assert len(coverage.texts) == (1 if threshold == 0.0 else 0)
