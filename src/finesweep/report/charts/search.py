"""How the search went: each trial's result, the learning curves, and what a budget buys."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import accumulate
from math import isfinite

import numpy as np
import plotly.graph_objects as go

from finesweep.report.charts.picture import (
    CHOSEN,
    MUTED,
    Picture,
    brief,
    figure,
    look_of,
    marker,
    number,
    plain,
    settings,
    short,
)
from finesweep.report.records import Curve, SweepRecord
from finesweep.stats.expected_best import expected_best
from finesweep.sweep.status import Row
from finesweep.wording import counted, duration

MIN_FOR_BUDGET = 3
"""Finished trials of a model from which what to expect of a budget is drawn."""
CROWDED = 100
"""Curves of a model above which they are drawn thinner."""
FAR = 4.0
"""How many times the distance from the best to the median a value may lie beyond it, to be in the
picture from the start."""


def history(sweep: SweepRecord) -> Picture:
    """Value by trial number: complete and pruned trials, and the best so far."""
    rows = sorted(
        (row for row in sweep.leaderboard if _is_number(row.value)), key=lambda row: row.trial
    )
    title = "Optimisation history"
    if not rows:
        return Picture("history", title, "No trial has a result yet.")
    better = max if sweep.is_better_higher else min
    complete = [row for row in rows if row.state == "COMPLETE"]
    best = list(accumulate((_value(row) for row in complete), better))
    traces = [
        _points([r for r in rows if r.model == model], model, look, state)
        for model, look in look_of(sweep.models).items()
        for state in ("COMPLETE", "PRUNED")
    ]
    line = go.Scatter(
        x=[row.trial for row in complete],
        y=list(map(brief, best)),
        name="best so far",
        mode="lines",
        line={"shape": "hv", "color": MUTED, "width": 2},
        hovertemplate="best after trial %{x}: %{y:.4f}<extra></extra>",
    )
    mark = _mark([row for row in rows if row.trial == sweep.chosen], sweep)
    made = figure(line, *filter(None, traces), *mark, x="trial", y=plain(sweep.metric))
    n_outside = _focus(made, [_value(row) for row in rows], is_higher=sweep.is_better_higher)
    failed = sum(row.state == "FAIL" for row in sweep.leaderboard)
    n_pruned = len(rows) - len(complete)
    at_best = dict(zip((row.trial for row in complete), best, strict=True))
    return Picture(
        "history",
        title,
        f"Each trial by its {sweep.metric} ({_better(sweep)} is better); the line is the best so"
        f" far. Crosses are pruned trials, at the last value before they were stopped"
        f"{'; ' + counted(failed, 'failed trial') + ' without a value' if failed else ''}."
        f"{_outside(n_outside)}",
        (made,),
        alt=f"{len(complete):,} complete and {n_pruned:,} pruned trials;"
        f" the best so far ends at {number(best[-1] if best else None)}.",
        headings=("trial", "model", "state", sweep.metric, "best so far", "settings"),
        rows=[
            (
                row.trial,
                row.model,
                row.state,
                number(row.value),
                number(at_best.get(row.trial)),
                settings(row.params),
            )
            for row in rows
        ],
    )


def learning_curves(sweep: SweepRecord) -> Picture:
    """The metric of all trials over training examples seen, the chosen trial's drawn out."""
    title = "Learning curves"
    curves = [curve for curve in sweep.curves if curve.points]
    if not curves:
        return Picture("curves", title, "No trial has been evaluated yet.")
    traces = [
        _lines([c for c in curves if c.row.model == model], model, look, is_pruned=is_pruned)
        for model, look in look_of(sweep.models).items()
        for is_pruned in (False, True)
    ]
    chosen = [curve for curve in curves if curve.row.trial == sweep.chosen]
    made = figure(
        *filter(None, traces),
        *(_drawn_out(curve, sweep) for curve in chosen),
        x="training examples seen",
        y=plain(sweep.metric),
        height=420,
        layout={"xaxis": {"rangemode": "tozero"}},
    )
    values = [value for curve in curves for _, value in curve.points]
    n_outside = _focus(made, values, is_higher=sweep.is_better_higher)
    return Picture(
        "curves",
        title,
        f"{sweep.metric} at each evaluation, of every trial on one axis, so that trials with other"
        f" batch sizes and epochs compare. Dotted: pruned. Drawn out: {_name(sweep)}."
        f"{_outside(n_outside)}",
        (made,),
        alt=f"Learning curves of {counted(len(curves), 'trial')}"
        + "".join(
            f"; trial {c.row.trial} goes from {number(c.points[0][1])} to {number(c.points[-1][1])}"
            for c in chosen
        ),
        headings=("trial", "model", "state", "examples seen: value"),
        rows=[
            (
                curve.row.trial,
                curve.row.model,
                curve.row.state,
                ", ".join(f"{step:,}: {value:.4f}" for step, value in curve.points),
            )
            for curve in sorted(curves, key=lambda c: (c.row.trial != sweep.chosen, c.row.trial))
        ],
    )


def budget(sweep: SweepRecord) -> Picture:
    """The best value to expect of a budget, for each model."""
    title = "What a budget buys"
    by_model = {
        model: [row for row in sweep.leaderboard if row.model == model and _is_number(row.value)]
        for model in sweep.models
    }
    drawn = {model: rows for model, rows in by_model.items() if len(rows) >= MIN_FOR_BUDGET}
    if not drawn:
        return Picture("budget", title, f"Needs {MIN_FOR_BUDGET} finished trials of a model.")
    looks, traces, table = look_of(sweep.models), [], []
    for model, rows in drawn.items():
        best = expected_best([_value(row) for row in rows], sweep.direction)
        seconds = float(np.mean([row.seconds or 0.0 for row in rows]))
        minutes = [n * seconds / 60 for n in range(1, len(rows) + 1)]
        colour, symbol = looks[model]
        traces.append(
            go.Scatter(
                x=list(map(brief, minutes)),
                y=list(map(brief, best.tolist())),
                name=short(model),
                mode="lines+markers" if len(rows) <= 40 else "lines",
                line={"color": colour, "width": 2},
                marker={"symbol": symbol, "size": 6},
                customdata=list(range(1, len(rows) + 1)),
                hovertemplate="%{customdata} trials, %{x:.1f} min: %{y:.4f}",
            )
        )
        at = sorted({1, 2, 5, 10, 20, 50, 100, 200, 500, len(rows)})
        table += [
            (model, n, duration(n * seconds), number(float(best[n - 1])))
            for n in at
            if n <= len(rows)
        ]
    left_out = [model for model in by_model if model not in drawn]
    return Picture(
        "budget",
        title,
        f"The {sweep.metric} to expect of the best of n trials, had these settings been drawn at"
        " random from those tried (Dodge et al. 2019), over the mean time of a trial. Pruned"
        " trials count with their last value. Where two lines cross, the better model changes."
        + (f" Too few trials of {', '.join(left_out)}." if left_out else ""),
        (figure(*traces, x="minutes of one worker", y=f"expected best {plain(sweep.metric)}"),),
        alt="; ".join(
            f"{model}: expected best {number(float(value))} with all its trials"
            for model, value in ((m, t.y[-1]) for m, t in zip(drawn, traces, strict=True))
        ),
        headings=("model", "trials", "time", f"expected best {sweep.metric}"),
        rows=table,
    )


def _points(
    rows: Sequence[Row], model: str, look: tuple[str, str], state: str
) -> go.Scatter | None:
    shown = [row for row in rows if row.state == state]
    if not shown:
        return None
    is_pruned = state == "PRUNED"
    return go.Scatter(
        x=[row.trial for row in shown],
        y=[brief(row.value) for row in shown],
        name=short(model) + (", pruned" if is_pruned else ""),
        mode="markers",
        marker=marker(look, is_pruned=is_pruned, size=8 if is_pruned else 10),
        hovertext=[_hover(row) for row in shown],
        hoverinfo="text",
    )


def _lines(
    curves: Sequence[Curve], model: str, look: tuple[str, str], *, is_pruned: bool
) -> go.Scatter | None:
    """All these curves as one line with gaps: a thousand lines of their own would be slow."""
    shown = [curve for curve in curves if (curve.row.state == "PRUNED") == is_pruned]
    if not shown:
        return None
    is_crowded = len(shown) > CROWDED
    xs, ys, texts = list[int | None](), list[float | None](), list[str]()
    for curve in shown:
        for step, value in curve.points:
            xs.append(step)
            ys.append(brief(value))
            texts.append(f"trial {curve.row.trial}")
        xs.append(None)
        ys.append(None)
        texts.append("")
    return go.Scatter(
        x=xs,
        y=ys,
        name=short(model) + (", pruned" if is_pruned else ""),
        mode="lines" if is_crowded else "lines+markers",
        line={
            "color": look[0],
            "width": 0.5 if is_crowded else 1.2,
            "dash": "dot" if is_pruned else "solid",
        },
        marker={"symbol": look[1], "size": 4},
        opacity=0.45 if is_pruned or is_crowded else 0.75,
        hovertext=texts,
        hovertemplate="%{hovertext}, %{x:,} examples: %{y:.4f}<extra></extra>",
    )


def _drawn_out(curve: Curve, sweep: SweepRecord) -> go.Scatter:
    return go.Scatter(
        x=[step for step, _ in curve.points],
        y=[value for _, value in curve.points],
        name=_name(sweep),
        mode="lines+markers",
        line={"color": CHOSEN, "width": 3.5},
        marker={"size": 8},
        hovertemplate="%{x:,} examples: %{y:.4f}",
    )


def _mark(rows: Iterable[Row], sweep: SweepRecord) -> list[go.Scatter]:
    return [
        go.Scatter(
            x=[row.trial],
            y=[row.value],
            name=_name(sweep),
            mode="markers",
            marker={
                "symbol": "circle-open",
                "size": 20,
                "color": CHOSEN,
                "line": {"width": 2.5, "color": CHOSEN},
            },
            hovertext=[_hover(row)],
            hoverinfo="text",
        )
        for row in rows
    ]


def _hover(row: Row) -> str:
    return (
        plain(f"trial {row.trial}, {row.model}: {number(row.value)}")
        + "<br>"
        + "<br>".join(plain(part) for part in settings(row.params).split(", "))
    )


def _name(sweep: SweepRecord) -> str:
    what = "the winner" if sweep.is_decided else "the best so far"
    return f"trial {sweep.chosen}, {what}" if sweep.chosen is not None else "no trial"


def _better(sweep: SweepRecord) -> str:
    return "higher" if sweep.is_better_higher else "lower"


def _is_number(value: float | None) -> bool:
    return value is not None and isfinite(value)


def _value(row: Row) -> float:
    return float(row.value or 0.0)


def _focus(made: go.Figure, values: Sequence[float], *, is_higher: bool) -> int:
    """Narrows the y axis to what can be told apart; the number of values outside it."""
    finite = np.array([value for value in values if isfinite(value)])
    badness = -finite if is_higher else finite
    low, middle = float(badness.min()), float(np.median(badness))
    limit = middle + FAR * (middle - low)
    outside = int((badness > limit).sum())
    if not outside or middle == low:
        return 0
    low -= 0.05 * (limit - low)
    made.update_yaxes(range=[-limit, -low] if is_higher else [low, limit])
    return outside


def _outside(n_values: int) -> str:
    if not n_values:
        return ""
    verb = "lies" if n_values == 1 else "lie"
    return f" {counted(n_values, 'value')} {verb} outside; a double click shows all."
