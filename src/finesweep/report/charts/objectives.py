"""Several objectives against each other: all complete trials, and the Pareto front."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import plotly.graph_objects as go

from finesweep.records import Objective
from finesweep.report.charts.picture import (
    CHOSEN,
    MUTED,
    Picture,
    brief,
    figure,
    look_of,
    marker,
    plain,
    settings,
    short,
)
from finesweep.report.records import SweepRecord
from finesweep.sweep.status import Row
from finesweep.wording import counted, scored


def front(sweep: SweepRecord) -> Picture | None:
    """Each complete trial by the first objective against each of the others; None with one
    objective."""
    known = sweep.status.front
    if known is None:
        return None
    title = "The objectives against each other"
    objectives = [Objective(**each) for each in known["objectives"]]
    rows = [row for row in sweep.leaderboard if row.objectives]
    if not rows:
        return Picture("front", title, "No trial is complete yet.")
    first, others = objectives[0], objectives[1:]
    members = [row for row in rows if row.is_on_front]
    return Picture(
        "front",
        title,
        f"Each point is a complete trial, by {_wanted(first)} and"
        f" {' and '.join(map(_wanted, others))}. The line joins the Pareto front,"
        f" {counted(len(members), 'trial')} that no other beats in all objectives."
        f"{_machine(known)} Trials are pruned by {first.metric} alone.{_picked(sweep)}",
        [_scatter(rows, sweep, first.metric, each.metric) for each in others],
        alt=f"on the front: {'; '.join(_words(row) for row in members)}",
        headings=("trial", "model", *(each.metric for each in objectives), "front", "settings"),
        rows=[
            (
                row.trial,
                row.model,
                *(scored(row.objectives[each.metric]) for each in objectives),
                "yes" if row.is_on_front else "no",
                settings(row.params),
            )
            for row in rows
        ],
    )


def _wanted(objective: Objective) -> str:
    return f"{objective.metric} ({objective.direction}d)"


def _machine(known: Mapping[str, Any]) -> str:
    if not known["machine"]:
        return ""
    text = f" Latencies are those of {known['machine']}, one per architecture and length"
    if foreign := known["foreign"]:
        text += f"; those of trials {', '.join(map(str, foreign))} are still of another machine"
    return f"{text}."


def _picked(sweep: SweepRecord) -> str:
    picked = sweep.finalist.picked if sweep.finalist else None
    return f" The winner was picked by {picked['rule']}: {picked['why']}." if picked else ""


def _scatter(rows: Sequence[Row], sweep: SweepRecord, first: str, other: str) -> go.Figure:
    looks = look_of(sweep.models)
    members = sorted((r for r in rows if r.is_on_front), key=lambda r: r.objectives[other])
    line = go.Scatter(
        x=[brief(row.objectives[other]) for row in members],
        y=[brief(row.objectives[first]) for row in members],
        mode="lines",
        name="Pareto front",
        line={"color": MUTED, "width": 1.5, "dash": "dash"},
        hoverinfo="skip",
    )
    points = [
        _points([row for row in rows if row.model == model], first, other, short(model), look)
        for model, look in looks.items()
    ]
    chosen = [row for row in rows if row.trial == sweep.chosen]
    ring = go.Scatter(
        x=[brief(row.objectives[other]) for row in chosen],
        y=[brief(row.objectives[first]) for row in chosen],
        mode="markers",
        name="winner" if sweep.is_decided else "best so far",
        marker={"symbol": "circle-open", "size": 17, "color": CHOSEN, "line": {"width": 2.5}},
        hoverinfo="skip",
    )
    return figure(line, *points, ring, x=plain(other), y=plain(first), height=340)


def _points(
    rows: Sequence[Row], first: str, other: str, name: str, look: tuple[str, str]
) -> go.Scatter:
    return go.Scatter(
        x=[brief(row.objectives[other]) for row in rows],
        y=[brief(row.objectives[first]) for row in rows],
        name=name,
        mode="markers",
        marker=marker(look, is_pruned=False, size=10),
        text=[plain(f"trial {row.trial}: {settings(row.params)}") for row in rows],
        hovertemplate="%{text}<br>%{y:.4f}, %{x:.4g}<extra></extra>",
    )


def _words(row: Row) -> str:
    values = ", ".join(f"{name} {scored(value)}" for name, value in row.objectives.items())
    return f"trial {row.trial} ({row.model}): {values}"
