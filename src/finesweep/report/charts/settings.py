"""What the settings did: importances, slices, a contour, and parallel coordinates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import isfinite, log10
from typing import Any

import numpy as np
import plotly.graph_objects as go

from finesweep.report.charts.picture import (
    CHOSEN,
    HEIGHT,
    Picture,
    brief,
    figure,
    look_of,
    marker,
    number,
    plain,
    setting,
    short,
)
from finesweep.report.importances import MIN_BEST, MIN_TRIALS, RELIABLE_TRIALS
from finesweep.report.records import Dimension, Importance, SweepRecord
from finesweep.sweep.status import Row
from finesweep.wording import as_percentage, counted

N_SLICES = 6
N_GRID = 40
"""Points of a contour's side."""
N_TICKS = 5
MIN_CONTOUR = 5
"""Different settings of the two fields from which a surface between them means something."""
SCALE = "Viridis"
LINES = ((0.0, "#a0a7b1"), (0.5, "#6f9bd1"), (1.0, "#1f6feb"))
"""Colours of lines, which must be seen in both themes, the worst first."""


def importances(sweep: SweepRecord) -> Picture:
    """How much each setting decided the results, within each model."""
    title = "Which settings mattered"
    known = [each for each in sweep.importances if each.shares]
    few = [each for each in sweep.importances if not each.shares]
    short_of = "".join(
        f" {each.model}: {counted(each.n_trials, 'finished trial')}, {each.n_best} of them best."
        for each in few
    )
    if not known:
        return Picture(
            "importances",
            title,
            f"Needs {MIN_TRIALS} finished trials of a model, {MIN_BEST} complete.{short_of}",
        )
    looks = look_of(sweep.models)
    shaky = [each.model for each in known if each.n_trials < RELIABLE_TRIALS]
    caveat = (
        f" Take it as a hint for {', '.join(shaky)}: below {RELIABLE_TRIALS} finished trials the"
        " shares change much from trial to trial."
        if shaky
        else ""
    )
    return Picture(
        "importances",
        title,
        "How much the values of a setting among a model's best trials differ from those among all"
        " its finished trials (PED-ANOVA, Watanabe et al. 2023), as shares of their sum. Each model"
        " is computed from its own trials: the shares of two models cannot be compared."
        f"{caveat}{short_of}",
        [_importance_bars(each, looks[each.model][0]) for each in known],
        alt="; ".join(
            f"{each.model}: {path} {share:.0%}"
            for each in known
            for path, share in list(each.shares.items())[:1]
        ),
        headings=("model", "setting", "share", "finished trials", "of them best"),
        rows=[
            (each.model, path, as_percentage(share), each.n_trials, each.n_best)
            for each in known
            for path, share in each.shares.items()
        ],
    )


def slices(sweep: SweepRecord) -> Picture:
    """Value over each setting, one picture per setting."""
    title = "Slices"
    rows = _drawable(sweep, ("COMPLETE", "PRUNED"))
    fields = [each for each in _by_importance(sweep) if _n_values(each, rows) > 1][:N_SLICES]
    if not fields:
        return Picture("slices", title, "No setting has two values among the finished trials.")
    return Picture(
        "slices",
        title,
        f"{sweep.metric} over one setting at a time, the most important ones first; the others vary"
        " too, so a slope here is no proof. Crosses are pruned trials, at their last value; the"
        f" ring is {_chosen(sweep)}.",
        [_slice(field, rows, sweep) for field in fields],
        alt=f"{sweep.metric} over {', '.join(field.path for field in fields)}",
        headings=("trial", "model", *(field.path for field in fields), sweep.metric),
        rows=_table(rows, fields),
    )


def contour(sweep: SweepRecord) -> Picture:
    """The surface over the two most important settings of the winner's model."""
    title = "The two most important settings"
    model = _chosen_model(sweep)
    rows = [row for row in _drawable(sweep) if row.model == model]
    fields = [each for each in _by_importance(sweep, model) if _n_values(each, rows) > 1][:2]
    if len(fields) < 2:
        return Picture("contour", title, "Needs two settings that vary among the complete trials.")
    x, y = fields
    rows = [row for row in rows if {x.path, y.path} <= set(row.params)]
    places = [(_position(x, row.params[x.path]), _position(y, row.params[y.path])) for row in rows]
    values: dict[tuple[float, float], list[float]] = {}
    for place, row in zip(places, rows, strict=True):
        values.setdefault(place, []).append(float(row.value or 0.0))
    surface = _surface({place: float(np.mean(each)) for place, each in values.items()})
    if surface is None:
        return Picture(
            "contour",
            title,
            f"Needs {MIN_CONTOUR} complete trials of {model} that differ in {x.path} and {y.path}"
            f" and do not lie on one line; there are {len(values)}.",
        )
    traces = [surface] if sweep.is_better_higher else [surface.update(reversescale=True)]
    points = go.Scatter(
        x=[place[0] for place in places],
        y=[place[1] for place in places],
        mode="markers",
        marker={
            "size": [14 if row.trial == sweep.chosen else 8 for row in rows],
            "color": [CHOSEN if row.trial == sweep.chosen else "#ffffff" for row in rows],
            "line": {"color": "#1f2630", "width": 1.5},
        },
        hovertext=[_hover(row, (x, y)) for row in rows],
        hoverinfo="text",
        showlegend=False,
    )
    made = figure(
        *traces,
        points,
        x=plain(x.path),
        y=plain(y.path),
        height=440,
        layout={"showlegend": False},
    )
    made.update_xaxes(**_ticks(x, rows))
    made.update_yaxes(**_ticks(y, rows))
    is_drawn = any(row.trial == sweep.chosen for row in rows)
    red = f"; {_chosen(sweep)} is red" if is_drawn else ""
    return Picture(
        "contour",
        title,
        f"{sweep.metric} of {model} over {x.path} and {y.path}, interpolated linearly between its"
        f" complete trials (dots{red}); blank where no trial is near. Other"
        " settings vary from dot to dot.",
        (made,),
        alt=f"Surface of {sweep.metric} over {x.path} and {y.path}, from {len(rows)} trials",
        headings=("trial", x.path, y.path, sweep.metric),
        rows=[
            (
                row.trial,
                setting(row.params[x.path]),
                setting(row.params[y.path]),
                number(row.value),
            )
            for row in rows
        ],
    )


def parallel(sweep: SweepRecord) -> Picture:
    """Every complete trial as a line through its settings, coloured by its value."""
    title = "Parallel coordinates"
    rows = _drawable(sweep)
    shared = [each for each in sweep.dimensions if all(each.path in row.params for row in rows)]
    fields = [each for each in shared if _n_values(each, rows) > 1]
    if len(rows) < 2 or not fields:
        return Picture("parallel", title, "Needs two complete trials with different settings.")
    left_out = [each.path for each in sweep.dimensions if each not in shared]
    axes = [_axis(field, rows) for field in fields]
    if len(models := sorted({row.model for row in rows})) > 1:
        axes.insert(0, _named_axis("model", [row.model for row in rows], models))
    values = [brief(row.value) for row in rows]
    axes.append({"label": short(sweep.metric), "values": values, "tickformat": ".4~g"})
    lines = go.Parcoords(
        dimensions=axes,
        line={
            "color": values,
            "colorscale": LINES,
            "reversescale": not sweep.is_better_higher,
            "showscale": False,
        },
        labelangle=-20,
        labelside="top",
        labelfont={"size": 12},
    )
    made = figure(lines, x="", y="", height=HEIGHT + 60)
    made.update_layout(margin={"l": 110, "r": 60, "t": 100, "b": 24})
    return Picture(
        "parallel",
        title,
        "Each line is a complete trial; the bluer, the better. Drag along an axis to keep only the"
        " lines that cross it there, click to let go."
        + (f" Without {', '.join(left_out)}, which not every trial has." if left_out else ""),
        (made,),
        alt=f"{counted(len(rows), 'complete trial')} over {', '.join(f.path for f in fields)}",
        headings=("trial", "model", *(field.path for field in fields), sweep.metric),
        rows=_table(rows, fields),
    )


def _table(rows: Sequence[Row], fields: Sequence[Dimension]) -> list[tuple[Any, ...]]:
    """Trial, model, the values of fields, – where a trial has none, and the metric of each row."""
    return [
        (
            row.trial,
            row.model,
            *(setting(row.params.get(field.path, "–")) for field in fields),
            number(row.value),
        )
        for row in rows
    ]


def _importance_bars(each: Importance, colour: str) -> go.Figure:
    paths = list(each.shares)[::-1]
    bars = go.Bar(
        x=[each.shares[path] for path in paths],
        y=[short(path) for path in paths],
        orientation="h",
        marker={"color": colour},
        text=[f"{each.shares[path]:.0%}" for path in paths],
        textposition="outside",
        cliponaxis=False,
        hovertemplate="%{y}: %{x:.1%}<extra></extra>",
    )
    made = figure(bars, x="", y="", height=60 + 34 * len(paths))
    made.update_layout(
        title={"text": f"{short(each.model)}, {counted(each.n_trials, 'trial')}"},
        title_font_size=14,
        margin_t=40,
        margin_r=44,
    )
    made.update_xaxes(tickformat=".0%", range=[0, max(each.shares.values()) * 1.02])
    return made


def _slice(field: Dimension, rows: Sequence[Row], sweep: SweepRecord) -> go.Figure:
    traces = []
    for model, look in look_of(sweep.models).items():
        own = [row for row in rows if row.model == model and field.path in row.params]
        for state in ("COMPLETE", "PRUNED"):
            if shown := [row for row in own if row.state == state]:
                traces.append(_points(field, shown, model, look, is_pruned=state == "PRUNED"))
    ring = [row for row in rows if row.trial == sweep.chosen and field.path in row.params]
    traces += [
        go.Scatter(
            x=[_position(field, row.params[field.path])],
            y=[row.value],
            mode="markers",
            marker={"symbol": "circle-open", "size": 18, "color": CHOSEN, "line": {"width": 2.5}},
            hoverinfo="skip",
            showlegend=False,
        )
        for row in ring
    ]
    made = figure(*traces, x=plain(field.path), y=plain(sweep.metric), height=300)
    made.update_xaxes(**_ticks(field, rows))
    return made


def _points(
    field: Dimension, rows: Sequence[Row], model: str, look: tuple[str, str], *, is_pruned: bool
) -> go.Scatter:
    return go.Scatter(
        x=[brief(_position(field, row.params[field.path])) for row in rows],
        y=[brief(row.value) for row in rows],
        name=short(model),
        mode="markers",
        marker=marker(look, is_pruned=is_pruned, size=8),
        customdata=[[row.trial, short(setting(row.params[field.path]))] for row in rows],
        hovertemplate="trial %{customdata[0]}, %{customdata[1]}: %{y:.4f}<extra></extra>",
        showlegend=not is_pruned,
    )


def _by_importance(sweep: SweepRecord, model: str | None = None) -> list[Dimension]:
    """The searched fields, those first that matter most to the model, the winner's by default."""
    model = model or _chosen_model(sweep)
    shares = next((each.shares for each in sweep.importances if each.model == model), {})
    return sorted(sweep.dimensions, key=lambda each: -shares.get(each.path, 0.0))


def _chosen_model(sweep: SweepRecord) -> str:
    """The model of the winner, or of the best trial so far."""
    own = [row.model for row in sweep.leaderboard if row.trial == sweep.chosen]
    return own[0] if own else next(iter(sweep.models), "")


def _drawable(sweep: SweepRecord, states: Sequence[str] = ("COMPLETE",)) -> list[Row]:
    return [
        row
        for row in sweep.leaderboard
        if row.state in states and row.value is not None and isfinite(row.value)
    ]


def _n_values(field: Dimension, rows: Sequence[Row]) -> int:
    return len({repr(row.params[field.path]) for row in rows if field.path in row.params})


def _position(field: Dimension, value: Any) -> float:
    """Where a value lies on the field's axis: numbers by themselves or their logarithm, others by
    their place among the choices."""
    if field.choices:
        return float(field.choices.index(value))
    return log10(value) if field.is_log else float(value)


def _ticks(field: Dimension, rows: Sequence[Row]) -> dict[str, Any]:
    """Ticks at the values themselves where they are few; of a logarithm, at round numbers."""
    if field.choices:
        places = list(range(len(field.choices)))
        return {"tickvals": places, "ticktext": [short(setting(each)) for each in field.choices]}
    values = sorted({row.params[field.path] for row in rows if field.path in row.params})
    if len(values) > N_TICKS or not all(isinstance(value, int) for value in values):
        if not field.is_log:
            return {}
        values = _round_numbers(values[0], values[-1])
    return {
        "tickvals": [_position(field, value) for value in values],
        "ticktext": [f"{value:.4g}" for value in values],
    }


def _round_numbers(low: float, high: float) -> list[float]:
    """1, 2 and 5 times the powers of ten between low and high, both at least once."""
    exponents = range(int(np.floor(log10(low))), int(np.ceil(log10(high))) + 1)
    every = [float(f"{digit}e{exponent}") for exponent in exponents for digit in (1, 2, 5)]
    inside = [value for value in every if low <= value <= high]
    return inside if len(inside) > 1 else [low, high]


def _axis(field: Dimension, rows: Sequence[Row]) -> dict[str, Any]:
    values = [brief(_position(field, row.params[field.path])) for row in rows]
    return {"label": short(field.path.rpartition(".")[2]), "values": values, **_ticks(field, rows)}


def _named_axis(label: str, values: Sequence[str], names: Sequence[str]) -> dict[str, Any]:
    return {
        "label": label,
        "values": [names.index(value) for value in values],
        "tickvals": list(range(len(names))),
        "ticktext": [short(name) for name in names],
    }


def _surface(values: Mapping[tuple[float, float], float]) -> go.Contour | None:
    """The linear interpolation between these points; None if they span no area."""
    from scipy.interpolate import LinearNDInterpolator
    from scipy.spatial import QhullError

    places = np.array(list(values))
    if len(places) < MIN_CONTOUR:
        return None
    low, high = places.min(axis=0), places.max(axis=0)
    if (low == high).any():
        return None
    try:
        interpolated = LinearNDInterpolator((places - low) / (high - low), list(values.values()))
    except QhullError:
        return None
    side = np.linspace(0, 1, N_GRID)
    heights = interpolated(*np.meshgrid(side, side))
    return go.Contour(
        x=(low[0] + side * (high[0] - low[0])).tolist(),
        y=(low[1] + side * (high[1] - low[1])).tolist(),
        z=[[None if np.isnan(each) else brief(each) for each in line] for line in heights],
        colorscale=SCALE,
        contours={"coloring": "heatmap", "showlines": True},
        line={"width": 0.5, "color": "rgba(255,255,255,.4)"},
        colorbar={"thickness": 12, "outlinewidth": 0, "tickformat": ".3~g"},
        hovertemplate="%{z:.4f}<extra></extra>",
    )


def _hover(row: Row, fields: Sequence[Dimension]) -> str:
    parts = [f"{each.path} {setting(row.params[each.path])}" for each in fields]
    return "<br>".join(map(plain, [f"trial {row.trial}, {row.model}: {number(row.value)}", *parts]))


def _chosen(sweep: SweepRecord) -> str:
    return "the winner" if sweep.is_decided else "the best trial so far"
