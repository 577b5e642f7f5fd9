"""The course of one training run as a figure: losses and scores over training examples."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from finesweep.records import Evaluation

# Okabe and Ito's colours, which stay apart without full colour vision; the markers differ too.
_STYLES: Mapping[str, Mapping[str, Any]] = {
    "train/loss": {"color": "#D55E00", "marker": "s"},
    "validation/loss": {"color": "#0072B2", "marker": "o"},
    "validation/accuracy": {"color": "#0072B2", "marker": "o"},
    "validation/f1": {"color": "#E69F00", "marker": "^"},
}
_LEGEND_NAMES = {"validation/f1": "validation/f1 (macro)"}


def training_curves_figure(
    evaluations: Sequence[Evaluation], *, best_step: int, metric: str, title: str
) -> Figure:
    """A figure with losses on the left, validation accuracy and macro F1 on the right, and the best
    evaluation marked.

    evaluations: in order of step; a metric that some lack is drawn where it exists. best_step: the
    step of one of them, the best by metric (`split/name`). ValueError if no evaluation has
    best_step.
    """
    best = next((one for one in evaluations if one.step == best_step), None)
    if best is None:
        steps = [one.step for one in evaluations]
        raise ValueError(f"best_step {best_step} is not a step of the evaluations: {steps}")
    figure = Figure(figsize=(11.0, 4.6), layout="constrained")
    figure.suptitle(textwrap.fill(title, width=95), fontsize=12).set_parse_math(False)
    losses, scores = figure.subplots(1, 2)
    _draw_panel(losses, evaluations, ["train/loss", "validation/loss"], best, metric)
    _draw_panel(scores, evaluations, ["validation/accuracy", "validation/f1"], best, metric)
    # Each panel's last entry is the line at the best step, which the legend names once.
    entries = [*_legend_entries(losses)[:-1], *_legend_entries(scores)]
    figure.legend(handles=entries, loc="outside lower center", ncols=len(entries), frameon=False)
    losses.set_ylabel("loss")
    scores.set_ylabel("score")
    low, high = scores.get_ylim()
    scores.set_ylim(max(low, 0.0), min(high, 1.0))
    return figure


def _draw_panel(
    axes: Axes,
    evaluations: Sequence[Evaluation],
    names: Sequence[str],
    best: Evaluation,
    metric: str,
) -> None:
    for name in names:
        measured = [one for one in evaluations if name in one.metrics]
        if measured:
            # Unclipped, because a score of 1 is on the frame.
            axes.plot(
                [one.step for one in measured],
                [one.metrics[name] for one in measured],
                label=_LEGEND_NAMES.get(name, name),
                markersize=4.5,
                clip_on=False,
                **_STYLES[name],
            )
    _mark_best(axes, best, metric, on=metric if metric in names else names[-1])
    axes.set_xlabel("training examples seen")
    axes.set_xlim(left=0)
    axes.xaxis.set_major_locator(MaxNLocator(nbins=6, steps=[1, 2, 2.5, 5, 10], integer=True))
    axes.xaxis.set_major_formatter("{x:,.0f}")
    axes.grid(color="0.9")
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)


def _mark_best(axes: Axes, best: Evaluation, metric: str, *, on: str) -> None:
    """Draws a dashed line at the best step, and a ring where it meets the curve named `on`."""
    value = best.metrics.get(metric)
    value_clause = "" if value is None else f" = {value:.4g}"
    axes.axvline(
        best.step,
        color="0.25",
        linestyle="--",
        linewidth=1,
        label=f"best by {metric}{value_clause}",
    )
    # Above the frame, where no curve crosses the word.
    axes.annotate(
        "best",
        (best.step, 1),
        xycoords=axes.get_xaxis_transform(),
        xytext=(0, 7),
        textcoords="offset points",
        ha="center",
    )
    height = best.metrics.get(on, math.nan)
    if math.isfinite(height):
        axes.plot(
            [best.step], [height], "o", markersize=11, fillstyle="none", color="0.1", clip_on=False
        )


def _legend_entries(axes: Axes) -> list[Artist]:
    handles, _ = axes.get_legend_handles_labels()
    return handles
