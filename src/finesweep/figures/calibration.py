"""Calibration of a model's probabilities, in four panels."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from sklearn.metrics import (
    average_precision_score,
    precision_recall_curve,
    roc_auc_score,
    roc_curve,
)

from finesweep.records import DecisionRule
from finesweep.stats.calibration import calibration_bins, calibration_error, coverage_curve
from finesweep.stats.predictions import is_multi_label, one_hot

# Okabe and Ito's, without yellow, which is too pale for a line; the line styles differ too.
_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
_STYLES = ("-", "--", "-.", ":")
_MAX_NAMED = 8
"""Maximum classes in a legend; more would cover the curves."""
_MIN_COVERAGE = 0.02
"""Minimum coverage to draw: below it, each text changes the accuracy visibly."""
_MARGIN = 0.15
"""Margin below the lowest point, as a share of the curve's height, for the annotation."""
_GREY = "0.6"


def calibration_figure(
    probabilities: np.ndarray,
    labels: np.ndarray,
    label_names: Sequence[str],
    *,
    rule: DecisionRule,
    title: str,
) -> Figure:
    """ROC and precision-recall of each class against the rest, calibration, and accuracy over
    coverage with the threshold under which the model answers UNCERTAIN.

    probabilities [N, C] and labels are as `finesweep.stats.predictions` describes them. A class
    with no rows, or all of them, has no curve. Of two classes only the second is drawn.
    """
    truth = one_hot(labels, len(label_names))
    candidates = (
        [1] if len(label_names) == 2 and not is_multi_label(labels) else range(len(label_names))
    )
    figure = Figure(figsize=(11.0, 9.0), layout="constrained")
    figure.suptitle(textwrap.fill(title, width=95), fontsize=12).set_parse_math(False)
    panels = figure.subplots(2, 2)
    drawn = [c for c in candidates if 0 < truth[:, c].sum() < len(truth)]
    _draw_ranking(panels[0][0], panels[0][1], probabilities, truth, label_names, drawn)
    _draw_calibration(panels[1][0], probabilities, labels)
    _draw_coverage(panels[1][1], probabilities, labels, rule)
    for axes in panels.ravel():
        axes.grid(color="0.9")
        axes.set_axisbelow(True)
        axes.spines[["top", "right"]].set_visible(False)
    return figure


def _draw_ranking(
    roc: Axes,
    precision_recall: Axes,
    probabilities: np.ndarray,
    table: np.ndarray,
    names: Sequence[str],
    drawn: Sequence[int],
) -> None:
    """table [N, C] bool is the truth; drawn are the classes with a curve."""
    roc.plot([0, 1], [0, 1], color=_GREY, linewidth=1)
    for k, c in enumerate(drawn):
        colour, style = _COLOURS[k % len(_COLOURS)], _STYLES[k % len(_STYLES)]
        truth, scores = table[:, c], probabilities[:, c]
        false, true, _ = roc_curve(truth, scores)
        area, average = roc_auc_score(truth, scores), average_precision_score(truth, scores)
        name = textwrap.shorten(names[c], 24, placeholder="…")
        roc.plot(false, true, style, color=colour, label=f"{name} {area:.3f}", clip_on=False)
        precision, recall, _ = precision_recall_curve(truth, scores)
        label = f"{name} {average:.3f}"
        precision_recall.plot(recall, precision, style, color=colour, label=label, clip_on=False)
    _label(roc, "ROC curve and its area", "false positive rate", "true positive rate")
    _label(precision_recall, "precision-recall curve and average precision", "recall", "precision")
    if len(drawn) <= _MAX_NAMED:
        legends = (
            roc.legend(loc="lower right", frameon=False),
            precision_recall.legend(loc="lower left", frameon=False),
        )
        for text in (text for legend in legends for text in legend.get_texts()):
            text.set_parse_math(False)


def _draw_calibration(axes: Axes, probabilities: np.ndarray, labels: np.ndarray) -> None:
    counts, confidence, accuracy = calibration_bins(probabilities, labels)
    axes.plot([0, 1], [0, 1], color=_GREY, linewidth=1)
    axes.plot(confidence, accuracy, color=_COLOURS[0], clip_on=False)
    sizes = 15 + 185 * counts / counts.max()
    axes.scatter(confidence, accuracy, s=sizes, color=_COLOURS[0], clip_on=False, zorder=3)
    error = calibration_error(probabilities, labels)
    _label(axes, f"calibration, expected error {error:.3f}", "confidence", "accuracy")
    axes.set_xlim(0, 1)
    axes.set_ylim(0, 1)


def _draw_coverage(
    axes: Axes, probabilities: np.ndarray, labels: np.ndarray, rule: DecisionRule
) -> None:
    curve = coverage_curve(probabilities, labels, rule)
    drawn = curve.coverage >= _MIN_COVERAGE
    axes.plot(curve.coverage[drawn], curve.accuracy[drawn], color=_COLOURS[0], clip_on=False)
    covered = np.flatnonzero(curve.thresholds >= rule.uncertain_below)
    if len(covered):
        share, accuracy = curve.coverage[covered[0]], curve.accuracy[covered[0]]
        axes.plot([share], [accuracy], "o", color=_COLOURS[1], clip_on=False)
        threshold = rule.uncertain_below
        head = f"UNCERTAIN below {threshold:.2f}" if threshold else "never UNCERTAIN"
        axes.annotate(
            f"{head}:\ncoverage {share:.0%}, accuracy {accuracy:.1%}",
            (share, accuracy),
            # The curve falls to the right: there is space above it there, and below it on the left.
            xytext=(8, 6) if share < 0.6 else (-8, -8),
            textcoords="offset points",
            ha="left" if share < 0.6 else "right",
            va="bottom" if share < 0.6 else "top",
        )
    _label(
        axes,
        "accuracy over coverage",
        "coverage (share of texts not UNCERTAIN)",
        "accuracy on these texts",
    )
    axes.set_xlim(0, 1)
    lowest = curve.accuracy[drawn].min(initial=1.0)
    axes.set_ylim(lowest - _MARGIN * max(1 - lowest, 0.05), 1)


def _label(axes: Axes, title: str, x: str, y: str) -> None:
    axes.set_title(title, fontsize=10)
    axes.set_xlabel(x)
    axes.set_ylabel(y)
