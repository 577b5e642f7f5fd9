"""The curves show where a run was best, and by what."""

import math

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from tests.unit.figures.drawing import drawn

from finesweep.figures import training_curves_figure
from finesweep.records import Evaluation

pytestmark = pytest.mark.slow


def evaluation(step: int, **metrics: float) -> Evaluation:
    """One evaluation; `validation_loss=0.5` stands for validation/loss."""
    named = {name.replace("_", "/", 1): value for name, value in metrics.items()}
    return Evaluation(step=step, epoch=step / 1000, metrics=named)


OVERFITTING = [
    evaluation(
        1000, train_loss=0.9, validation_loss=0.6, validation_accuracy=0.70, validation_f1=0.65
    ),
    evaluation(
        2000, train_loss=0.5, validation_loss=0.4, validation_accuracy=0.80, validation_f1=0.78
    ),
    evaluation(
        3000, train_loss=0.2, validation_loss=0.7, validation_accuracy=0.82, validation_f1=0.79
    ),
]


def draw(evaluations: list[Evaluation], best_step: int, metric: str = "validation/loss") -> Figure:
    figure = training_curves_figure(
        evaluations, best_step=best_step, metric=metric, title="lr=$\\bad$"
    )
    return drawn(figure)


def curve(axes: Axes, label: str) -> list[tuple[float, float]]:
    (line,) = [line for line in axes.lines if line.get_label() == label]
    return [(float(x), float(y)) for x, y in np.asarray(line.get_xydata())]


def dashed(axes: Axes) -> Line2D:
    (line,) = [line for line in axes.lines if line.get_linestyle() == "--"]
    return line


def rings(axes: Axes) -> list[tuple[float, float]]:
    hollow = [line for line in axes.lines if line.get_fillstyle() == "none"]
    return [(float(x), float(y)) for line in hollow for x, y in np.asarray(line.get_xydata())]


def legend(figure: Figure) -> list[str]:
    (only,) = figure.legends
    return [text.get_text() for text in only.get_texts()]


def test_losses_are_left_and_scores_right_over_examples_seen() -> None:
    losses, scores = draw(OVERFITTING, best_step=2000).axes
    assert curve(losses, "train/loss") == [(1000, 0.9), (2000, 0.5), (3000, 0.2)]
    assert curve(losses, "validation/loss") == [(1000, 0.6), (2000, 0.4), (3000, 0.7)]
    assert curve(scores, "validation/accuracy") == [(1000, 0.70), (2000, 0.80), (3000, 0.82)]
    assert curve(scores, "validation/f1 (macro)") == [(1000, 0.65), (2000, 0.78), (3000, 0.79)]
    for axes in (losses, scores):
        assert axes.get_xlabel() == "training examples seen"
        assert "2,000" in [label.get_text() for label in axes.get_xticklabels()]


def test_the_best_evaluation_is_marked_in_both_panels() -> None:
    losses, scores = draw(OVERFITTING, best_step=2000).axes
    for axes in (losses, scores):
        assert list(dashed(axes).get_xdata()) == [2000, 2000]
        assert [(text.get_text(), text.xy[0]) for text in axes.texts] == [("best", 2000)]
    assert rings(losses) == [(2000, 0.4)]
    assert rings(scores) == [(2000, 0.78)]


def test_the_ring_sits_on_the_objectives_own_curve() -> None:
    _, scores = draw(OVERFITTING, best_step=3000, metric="validation/accuracy").axes
    assert rings(scores) == [(3000, 0.82)]


def test_one_legend_names_every_curve_and_what_is_best_by_which_metric() -> None:
    assert legend(draw(OVERFITTING, best_step=2000)) == [
        "train/loss",
        "validation/loss",
        "validation/accuracy",
        "validation/f1 (macro)",
        "best by validation/loss = 0.4",
    ]


def test_the_scores_are_close_up_but_never_beyond_0_and_1() -> None:
    low, high = draw(OVERFITTING, best_step=2000).axes[1].get_ylim()
    assert 0.6 < low < 0.65
    assert 0.82 < high < 0.85
    perfect = [evaluation(10, validation_accuracy=1.0, validation_f1=0.0)]
    assert draw(perfect, best_step=10).axes[1].get_ylim() == (0.0, 1.0)


def test_a_single_evaluation_is_a_visible_point() -> None:
    losses, scores = draw(OVERFITTING[:1], best_step=1000).axes
    assert curve(losses, "validation/loss") == [(1000, 0.6)]
    assert curve(scores, "validation/accuracy") == [(1000, 0.70)]
    named = [
        line for axes in (losses, scores) for line in axes.lines if line.get_marker() != "None"
    ]
    assert len(named) == 4 + 2, "four curves with markers and two rings"


def test_a_metric_that_is_missing_leaves_a_gap_not_an_error() -> None:
    evaluations = [
        evaluation(10, validation_loss=0.5),
        evaluation(20, validation_loss=math.nan, validation_accuracy=0.9),
    ]
    figure = draw(evaluations, best_step=20, metric="validation/roc_auc")
    losses, scores = figure.axes
    assert curve(scores, "validation/accuracy") == [(20, 0.9)]
    assert rings(losses) == rings(scores) == []
    assert legend(figure) == [
        "validation/loss",
        "validation/accuracy",
        "best by validation/roc_auc",
    ]


def test_dollar_signs_in_the_title_are_not_read_as_formulas() -> None:
    assert draw(OVERFITTING, best_step=2000).get_suptitle() == "lr=$\\bad$"


def test_the_curves_differ_by_marker_as_well_as_by_colour() -> None:
    for axes in draw(OVERFITTING, best_step=2000).axes:
        one, other = axes.lines[:2]
        assert one.get_color() != other.get_color()
        assert one.get_marker() != other.get_marker()


@pytest.mark.parametrize("evaluations", [[], OVERFITTING])
def test_a_best_step_that_was_never_evaluated_is_refused(evaluations: list[Evaluation]) -> None:
    with pytest.raises(ValueError, match="best_step 7 is not a step of the evaluations"):
        training_curves_figure(evaluations, best_step=7, metric="validation/loss", title="")
