"""What quality costs: latency and size of the models, and where the seconds went."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import plotly.graph_objects as go

from finesweep.records import Objective
from finesweep.report.charts.picture import Picture, figure, look_of, number, plain, short
from finesweep.report.records import SweepRecord
from finesweep.stats.pareto import pareto_front
from finesweep.sweep.comparisons import Contender, verdict
from finesweep.sweep.sentences import spent_and_saved
from finesweep.wording import counted, duration

PARTS = 8
"""Parts of the time with a colour of their own; the rest is one."""
GREYS = {"spent": "#3b82c4", "saved": "#2a9d76"}


@dataclass(frozen=True)
class Candidate:
    """The best trial of one model: its quality and its costs."""

    model: str
    trial: int
    value: float
    latency_ms: float
    parameters: int


def quality_and_cost(sweep: SweepRecord) -> Picture:
    """The best trial of each model over its latency and its size, with the Pareto front."""
    title = "Quality against latency and size"
    candidates = candidates_of(sweep)
    if not candidates:
        return Picture(
            "costs",
            title,
            "Latency and size are measured once the sweep has ended"
            f"{'; they are not in its study' if sweep.is_decided else ''}.",
        )
    verdicts = " ".join(_sentence(verdict(each)) for each in sweep.comparisons)
    best = pareto(candidates, is_better_higher=sweep.is_better_higher)
    return Picture(
        "costs",
        title,
        f"{verdicts} Each model by its best trial in the search: {sweep.metric} against the median"
        " time for one text, and against its number of parameters. The line is the Pareto front:"
        " no other model is both better and cheaper. Latency is that of the machine that ended the"
        " sweep, and does not depend on training.".strip(),
        [_scatter(candidates, sweep, by="latency"), _scatter(candidates, sweep, by="size")],
        alt="; ".join(
            f"{c.model}: {number(c.value)}, {c.latency_ms:.1f} ms, {c.parameters:,} parameters"
            for c in candidates
        ),
        headings=("model", "trial", sweep.metric, "ms for one text", "parameters", "Pareto front"),
        rows=[
            (
                c.model,
                c.trial,
                number(c.value),
                f"{c.latency_ms:.1f}",
                f"{c.parameters:,}",
                "yes" if c in best else "no",
            )
            for c in candidates
        ],
    )


def candidates_of(sweep: SweepRecord) -> list[Candidate]:
    """The best trial of each model whose costs are known, in the order of the leaderboard."""
    contenders = {c.model: c for each in sweep.comparisons for c in (each.first, each.second)}
    if not contenders and (alone := _only_model(sweep)):
        contenders = {alone.model: alone}
    best = {row.trial: row for row in sweep.leaderboard if row.value is not None}
    return [
        Candidate(c.model, c.trial, float(row.value or 0.0), c.latency_ms, c.parameters)
        for model in sweep.models
        if (c := contenders.get(model)) and (row := best.get(c.trial))
    ]


def pareto(candidates: Sequence[Candidate], *, is_better_higher: bool) -> list[Candidate]:
    """Those that no other beats in quality, latency and size at once, fastest first."""
    objectives = [
        Objective("value", "maximize" if is_better_higher else "minimize"),
        Objective("latency_ms", "minimize"),
        Objective("parameters", "minimize"),
    ]
    values = {k: vars(each) for k, each in enumerate(candidates)}
    front = [candidates[k] for k in pareto_front(values, objectives)]
    return sorted(front, key=lambda each: each.latency_ms)


def seconds(sweep: SweepRecord) -> Picture:
    """Where the time went, by part and model, and what cache and pruning saved."""
    title = "Where the seconds went"
    spent, saved = spent_and_saved(sweep.status.spent, at_least=0.05)
    if not spent:
        return Picture("seconds", title, "No trial has accounted for its time yet.")
    shown = [*list(spent)[:PARTS][::-1]]
    rest = sum(list(spent.values())[PARTS:])
    bars = [
        go.Bar(
            x=[values.get(f"seconds/{part}", 0.0) for part in shown],
            y=shown,
            name=short(model),
            orientation="h",
            marker={"color": look_of(sweep.models).get(model, (GREYS["spent"],))[0]},
            hovertemplate="%{y}: %{x:.1f} s",
        )
        for model, values in sweep.seconds_by_model.items()
    ]
    if saved:
        names = list(saved)[::-1]
        bars.append(
            go.Bar(
                x=[saved[name] for name in names],
                y=[f"saved by {name}" for name in names],
                name="saved",
                orientation="h",
                marker={"color": GREYS["saved"], "pattern": {"shape": "/"}},
                hovertemplate="%{y}: %{x:.1f} s",
            )
        )
    made = figure(*bars, x="seconds, all workers together", y="")
    made.update_layout(barmode="stack", height=110 + 32 * (len(shown) + len(saved)))
    total, gain = sum(spent.values()), sum(saved.values())
    clock = (
        f", {duration(sweep.wall_seconds)} on the clock from the first start to the last end"
        if sweep.wall_seconds
        else ""
    )
    return Picture(
        "seconds",
        title,
        f"{duration(total)} of work over all workers, confirmation included{clock}."
        + (
            f" Saved by {' and by '.join(f'{name} {duration(s)}' for name, s in saved.items())}:"
            f" {gain / (total + gain):.0%} of what it would have taken."
            if saved
            else ""
        )
        + (f" {duration(rest)} in smaller parts are not drawn." if rest >= 1 else ""),
        (made,),
        alt=f"{counted(len(spent), 'part')}; the longest is {next(iter(spent))}",
        headings=("part", *sweep.seconds_by_model, "seconds in all"),
        rows=[
            (
                part,
                *(f"{v.get(f'seconds/{part}', 0.0):.1f}" for v in sweep.seconds_by_model.values()),
                f"{value:.1f}",
            )
            for part, value in spent.items()
        ]
        + [
            (
                f"saved by {name}",
                *(
                    f"{v.get(f'seconds_saved/{name}', 0.0):.1f}"
                    for v in sweep.seconds_by_model.values()
                ),
                f"{value:.1f}",
            )
            for name, value in saved.items()
        ],
    )


def _only_model(sweep: SweepRecord) -> Contender | None:
    """The winner of a sweep of one model, by the costs of its own run."""
    leader = sweep.leader
    if leader is None or "latency_ms/one_p50" not in leader.metrics:
        return None
    row = next((row for row in sweep.leaderboard if row.trial == leader.trial), None)
    counts = [leader.params.get(f"parameters.{name}") for name in ("trainable", "frozen")]
    if row is None or None in counts:
        return None
    return Contender(
        model=row.model,
        trial=row.trial,
        n_trials=len(sweep.leaderboard),
        latency_ms=leader.metrics["latency_ms/one_p50"],
        parameters=sum(int(count or 0) for count in counts),
    )


def _scatter(candidates: Sequence[Candidate], sweep: SweepRecord, *, by: str) -> go.Figure:
    def cost(each: Candidate) -> float:
        return each.latency_ms if by == "latency" else each.parameters / 1e6

    looks, unit = look_of(sweep.models), "ms" if by == "latency" else "million parameters"
    front = sorted(
        pareto(candidates, is_better_higher=sweep.is_better_higher), key=lambda c: cost(c)
    )
    line = go.Scatter(
        x=[cost(each) for each in front],
        y=[each.value for each in front],
        mode="lines",
        name="Pareto front",
        line={"color": "#8a919c", "width": 1.5, "dash": "dash"},
        hoverinfo="skip",
    )
    points = [
        go.Scatter(
            x=[cost(each)],
            y=[each.value],
            name=short(each.model),
            mode="markers+text",
            text=[short(each.model)],
            textposition="top center",
            cliponaxis=False,
            marker={"color": looks[each.model][0], "symbol": looks[each.model][1], "size": 14},
            hovertemplate=f"trial {each.trial}: %{{y:.4f}}, %{{x:.2f}} {unit}",
            showlegend=False,
        )
        for each in candidates
    ]
    x = "ms for one text (median)" if by == "latency" else unit
    made = figure(line, *points, x=x, y=plain(sweep.metric), height=320)
    top = max(cost(each) for each in candidates)
    made.update_xaxes(range=[0, 1.25 * top])
    values = [each.value for each in candidates]
    margin = 0.25 * (max(values) - min(values)) or 0.05 * abs(values[0]) or 1.0
    made.update_yaxes(range=[min(values) - margin, max(values) + margin])
    return made


def _sentence(text: str) -> str:
    return text if text.endswith(".") else f"{text}."
