"""The winner, or the best trial so far: confusion, calibration, coverage and slices."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go

from finesweep.report.charts.picture import (
    CHOSEN,
    COLOURS,
    MUTED,
    Picture,
    figure,
    number,
    short,
)
from finesweep.report.records import Evaluated
from finesweep.stats.calibration import calibration_bins, calibration_error, coverage_curve
from finesweep.wording import as_percentage, counted_rows

MAX_CLASSES = 25
"""Classes of a matrix that can be told apart; of more, those with most errors are drawn."""
N_POINTS = 200
"""Points of a coverage curve: more cannot be seen."""


def confusion(evaluated: Evaluated) -> Picture:
    """Rows by truth and prediction; of several labels, what was found, missed and wrongly found."""
    title = f"Confusion matrix, {evaluated.split}"
    if evaluated.confusion.ndim == 3:
        return _labels_confused(evaluated, title)
    counts, names = evaluated.confusion, list(evaluated.label_names)
    shown = _most_confused(counts)
    part, kept = counts[np.ix_(shown, shown)], [short(names[k]) for k in shown]
    totals = np.maximum(part.sum(axis=1, keepdims=True), 1)
    heat = go.Heatmap(
        z=(part / totals).tolist(),
        x=list(range(len(kept))),
        y=list(range(len(kept))),
        text=part.tolist(),
        texttemplate="%{text:,}" if len(kept) <= 15 else None,
        customdata=[
            [f"{kept[i]} as {kept[j]}" for j in range(len(kept))] for i in range(len(kept))
        ],
        hovertemplate="%{customdata}: %{text:,} rows, %{z:.1%}<extra></extra>",
        colorscale="Blues",
        zmin=0,
        zmax=1,
        showscale=False,
        xgap=2,
        ygap=2,
    )
    made = figure(heat, x="predicted", y="truth", height=max(300, 120 + 34 * len(kept)))
    ticks = {"tickvals": list(range(len(kept))), "ticktext": kept, "showgrid": False}
    made.update_xaxes(**ticks)
    made.update_yaxes(**ticks, autorange="reversed")
    right, total = int(np.trace(counts)), int(counts.sum())
    drawn = (
        f" Drawn are the {len(shown)} of {len(names)} classes with most errors."
        if len(shown) < len(names)
        else ""
    )
    return Picture(
        "confusion",
        title,
        f"{right:,} of {counted_rows(total)} right. Colour: share of the true class.{drawn}",
        (made,),
        alt=f"{right / max(total, 1):.1%} of {counted_rows(total)} lie on the diagonal",
        headings=("truth", *(f"as {names[k]}" for k in shown), "recall"),
        rows=[
            (
                names[k],
                *(f"{counts[k, j]:,}" for j in shown),
                as_percentage(counts[k, k] / counts[k].sum() if counts[k].sum() else None),
            )
            for k in shown
        ],
    )


def _most_confused(counts: np.ndarray) -> list[int]:
    """The classes to draw, in their order: all of them if they are few."""
    wrong = counts.sum(axis=1) + counts.sum(axis=0) - 2 * np.diag(counts)
    return sorted(np.argsort(-wrong, kind="stable")[:MAX_CLASSES].tolist())


def _labels_confused(evaluated: Evaluated, title: str) -> Picture:
    counts, names = evaluated.confusion, list(evaluated.label_names)
    wrong = counts[:, 0, 1] + counts[:, 1, 0]
    shown = sorted(np.argsort(-wrong, kind="stable")[:MAX_CLASSES].tolist())[::-1]
    kinds = {
        "found": (counts[:, 1, 1], COLOURS[2]),
        "missed": (counts[:, 1, 0], COLOURS[1]),
        "false positives": (counts[:, 0, 1], COLOURS[3]),
    }
    bars = [
        go.Bar(
            x=[int(values[k]) for k in shown],
            y=[short(names[k]) for k in shown],
            name=kind,
            orientation="h",
            marker={"color": colour},
            hovertemplate="%{y}: %{x:,} " + kind + "<extra></extra>",
        )
        for kind, (values, colour) in kinds.items()
    ]
    made = figure(*bars, x="rows", y="", height=120 + 28 * len(shown))
    made.update_layout(barmode="stack")
    return Picture(
        "confusion",
        title,
        "Each label's rows: found, missed, and predicted though they do not have it.",
        (made,),
        alt=f"{counts[:, 1, 1].sum():,} labels found, {counts[:, 1, 0].sum():,} missed",
        headings=("label", "found", "missed", "false positives"),
        rows=[
            (name, f"{each[1, 1]:,}", f"{each[1, 0]:,}", f"{each[0, 1]:,}")
            for name, each in zip(names, counts, strict=True)
        ],
    )


def calibration(evaluated: Evaluated) -> Picture:
    """How far its probabilities can be trusted: accuracy by confidence."""
    counts, confidences, accuracy = calibration_bins(evaluated.probabilities, evaluated.labels)
    error = calibration_error(evaluated.probabilities, evaluated.labels)
    ideal = go.Scatter(
        x=[0, 1],
        y=[0, 1],
        mode="lines",
        name="ideal",
        line={"color": MUTED, "dash": "dash", "width": 1.5},
        hoverinfo="skip",
    )
    points = go.Scatter(
        x=confidences.tolist(),
        y=accuracy.tolist(),
        mode="lines+markers",
        name="predictions",
        line={"color": COLOURS[0]},
        marker={"size": (8 + 18 * np.sqrt(counts / counts.max())).tolist()},
        customdata=counts.tolist(),
        hovertemplate="confidence %{x:.2f}, right %{y:.1%}, %{customdata:,} predictions"
        "<extra></extra>",
    )
    made = figure(ideal, points, x="confidence", y="share right", height=360)
    made.update_xaxes(range=[0, 1.02])
    made.update_yaxes(range=[0, 1.05])
    scaled = evaluated.rule is not None
    return Picture(
        "calibration",
        f"Calibration, {evaluated.split}",
        f"Predictions by confidence, in bins of equal width; larger dots hold more. On the line,"
        f" confidence is accuracy. Expected calibration error {error:.3f}"
        f"{', after temperature scaling on validation' if scaled else ', before any scaling'}.",
        (made,),
        alt=f"Expected calibration error {error:.3f}",
        headings=("mean confidence", "share right", "predictions"),
        rows=[
            (f"{c:.3f}", f"{a:.3f}", f"{n:,}")
            for c, a, n in zip(confidences, accuracy, counts, strict=True)
        ],
    )


def coverage(evaluated: Evaluated) -> Picture:
    """Accuracy if the least certain predictions are withheld."""
    curve = coverage_curve(evaluated.probabilities, evaluated.labels, evaluated.rule)
    every = np.unique(np.linspace(0, len(curve.coverage) - 1, N_POINTS).astype(int))
    line = go.Scatter(
        x=curve.coverage[every].tolist(),
        y=curve.accuracy[every].tolist(),
        mode="lines",
        name="accuracy",
        line={"color": COLOURS[0], "width": 2},
        customdata=curve.thresholds[every].tolist(),
        hovertemplate="threshold %{customdata:.2f}: %{x:.0%} answered, %{y:.1%} of them right"
        "<extra></extra>",
    )
    mark, sentence = _uncertain(evaluated, curve.thresholds, curve.coverage, curve.accuracy)
    made = figure(line, *mark, x="share of rows answered", y="accuracy on them", height=360)
    made.update_xaxes(tickformat=".0%", range=[0, 1.02])
    made.update_yaxes(tickformat=".0%")
    marks = [int(np.argmin(np.abs(curve.coverage - share))) for share in (1, 0.9, 0.75, 0.5, 0.25)]
    return Picture(
        "coverage",
        f"Coverage, {evaluated.split}",
        "Accuracy over the share of rows that get an answer, when predictions below a threshold are"
        f" withheld.{sentence}",
        (made,),
        alt=f"Accuracy rises from {curve.accuracy[0]:.1%} of all rows to {curve.accuracy[-1]:.1%}"
        " of the most certain",
        headings=("threshold", "answered", "accuracy"),
        rows=[
            (
                f"{curve.thresholds[k]:.3f}",
                as_percentage(float(curve.coverage[k])),
                as_percentage(float(curve.accuracy[k])),
            )
            for k in dict.fromkeys(marks)
        ],
    )


def _uncertain(
    evaluated: Evaluated, thresholds: np.ndarray, covered: np.ndarray, accuracy: np.ndarray
) -> tuple[list[go.Scatter], str]:
    """The model's own threshold as a point and in words; nothing without one."""
    rule = evaluated.rule
    if rule is None or not rule.uncertain_below:
        return [], ""
    reached = np.flatnonzero(thresholds >= rule.uncertain_below)
    if not len(reached):
        return [], ""
    share, right = float(covered[reached[0]]), float(accuracy[reached[0]])
    point = go.Scatter(
        x=[share],
        y=[right],
        mode="markers",
        name=f"UNCERTAIN below {rule.uncertain_below:.2f}",
        marker={"color": CHOSEN, "size": 12},
        hovertemplate="%{x:.0%} answered, %{y:.1%} of them right<extra></extra>",
    )
    return [point], (
        f" Below {rule.uncertain_below:.2f} the model says UNCERTAIN: it answers {share:.0%} of the"
        f" rows, {right:.1%} of them rightly."
    )


def slices(evaluated: Evaluated) -> Picture:
    """Accuracy by class and by length."""
    title = f"Slices, {evaluated.split}"
    rows: Sequence[tuple[str, int, float]] = [
        (str(each["slice"]), int(each["rows"]), float(each["accuracy"]))
        for each in evaluated.slices
    ]
    if not rows:
        return Picture("accuracy", title, "Slices are made once the winner is tested.")
    drawn = sorted(rows, key=lambda row: row[2])[:MAX_CLASSES] if len(rows) > MAX_CLASSES else rows
    bars = go.Bar(
        x=[accuracy for _, _, accuracy in drawn][::-1],
        y=[short(name) for name, _, _ in drawn][::-1],
        orientation="h",
        marker={"color": COLOURS[0]},
        text=[f"{accuracy:.0%} of {n:,}" for _, n, accuracy in drawn][::-1],
        textposition="auto",
        hovertemplate="%{y}: %{x:.1%}<extra></extra>",
    )
    made = figure(bars, x="accuracy", y="", height=80 + 32 * len(drawn))
    made.update_xaxes(tickformat=".0%", range=[0, 1.03])
    worst = min(rows, key=lambda row: row[2])
    return Picture(
        "accuracy",
        title,
        f"Accuracy by true class, and by quartile of length. The weakest is {worst[0]}:"
        f" {worst[2]:.1%} of {counted_rows(worst[1])}.",
        (made,),
        alt=f"Accuracy from {worst[2]:.1%} ({worst[0]}) to {max(row[2] for row in rows):.1%}",
        headings=("slice", "rows", "accuracy"),
        rows=[(name, f"{n:,}", number(accuracy)) for name, n, accuracy in rows],
    )
