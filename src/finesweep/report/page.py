"""The page: a sweep's record as one self-contained HTML file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import plotly.graph_objects as go
from plotly.offline import get_plotlyjs

from finesweep.figures.page import render_page
from finesweep.report.charts import costs, objectives, search, settings, winner
from finesweep.report.charts.picture import MAX_ROWS, Picture, number, setting
from finesweep.report.records import SweepRecord
from finesweep.report.words import chosen_row, headline, registered
from finesweep.sweep.status import Row
from finesweep.wording import as_percentage, scored

TEMPLATE = "report.html.j2"
GENERATOR = "finesweep report"
"""In the page's head, by which an earlier report is told from any other file."""
STATES = {"COMPLETE": "complete", "PRUNED": "pruned", "FAIL": "failed"}
N_LEADING = 15
"""Rows of the leaderboard that are unfolded."""
N_ERRORS = 20
MAX_TEXT = 600
"""Characters of a wrongly predicted text."""


@dataclass(frozen=True)
class Section:
    """A heading with its pictures."""

    key: str
    title: str
    pictures: Sequence[Picture]


def report_page(sweep: SweepRecord) -> str:
    """The whole page, with Plotly's script in it; every text in it is escaped."""
    return render_page(
        TEMPLATE,
        generator=GENERATOR,
        sweep=sweep,
        headline=headline(sweep),
        registered=registered(sweep),
        made_at=sweep.made_at.strftime("%Y-%m-%d %H:%M %Z"),
        leaderboard=_leaderboard(sweep),
        n_leading=N_LEADING,
        confirmed=_confirmed(sweep),
        sections=_sections(sweep),
        winner_title=_winner_title(sweep),
        errors=_errors(sweep),
        data=_data(sweep),
        figure_json=figure_json,
        plotly=_plotly(),
    )


def figure_json(figure: go.Figure) -> str:
    """The figure as JSON that can stand inside a script element, whatever its texts contain:
    Plotly writes `<`, `>` and `/` as escapes."""
    return str(figure.to_json())


@cache
def _plotly() -> str:
    """Plotly's own script, 4.8 MB."""
    return str(get_plotlyjs())


def _sections(sweep: SweepRecord) -> list[Section]:
    evaluated = sweep.leader.evaluated if sweep.leader else None
    of_winner: list[Picture] = []
    if evaluated is not None:
        of_winner = [
            make(evaluated)
            for make in (winner.confusion, winner.calibration, winner.coverage, winner.slices)
        ]
    return [
        Section(
            "search",
            "The search",
            [search.history(sweep), search.learning_curves(sweep), search.budget(sweep)],
        ),
        Section(
            "settings",
            "The settings",
            [
                settings.importances(sweep),
                settings.slices(sweep),
                settings.contour(sweep),
                settings.parallel(sweep),
            ],
        ),
        Section(
            "costs",
            "Models and costs",
            [
                *filter(None, [objectives.front(sweep)]),
                costs.quality_and_cost(sweep),
                costs.seconds(sweep),
            ],
        ),
        Section("winner", _winner_title(sweep), of_winner),
    ]


def _winner_title(sweep: SweepRecord) -> str:
    return "The winner" if sweep.is_decided else "The best trial so far"


def _leaderboard(sweep: SweepRecord) -> dict[str, Any]:
    """Headings, cells, and how many of the first columns are texts."""
    fields = [each.path for each in sweep.dimensions]
    metric = sweep.metric
    others = _other_objectives(sweep)
    scores = [*others, "front"] if others else []
    headings = ["rank", "trial", "model", "state", metric, *scores]
    headings += [*map(_last, fields), "seconds", "origin"]
    n_complete = 0
    rows: list[list[str]] = []
    for row in sweep.leaderboard:
        n_complete += row.state == "COMPLETE"
        rank = str(n_complete) if row.state == "COMPLETE" else "–"
        cells = [setting(row.params[path]) if path in row.params else "–" for path in fields]
        seconds = "–" if row.seconds is None else f"{row.seconds:.0f}"
        origin = row.origin or "–"
        state = STATES.get(row.state, row.state) + (f": {row.reason}" if row.reason else "")
        head = [rank, str(row.trial), row.model, state, number(row.value)]
        rows.append([*head, *_scores(row, others), *cells, seconds, origin])
    if sweep.baseline is not None:
        value = number(sweep.baseline.validation_metrics.get(metric))
        blank = ["–"] * (len(scores) + len(fields))
        baseline = ["baseline", "–", "TF-IDF, logistic", "complete", value, *blank]
        rows.insert(
            min(n_complete, N_LEADING - 1), [*baseline, f"{sweep.baseline.seconds:.0f}", "–"]
        )
    chosen = chosen_row(sweep)
    return {
        "headings": headings,
        "rows": rows[:MAX_ROWS],
        "n_left_out": max(0, len(rows) - MAX_ROWS),
        "chosen": None if chosen is None else str(chosen.trial),
    }


def _other_objectives(sweep: SweepRecord) -> list[str]:
    """Metrics of several objectives besides the first."""
    front = sweep.status.front
    return [each["metric"] for each in front["objectives"][1:]] if front else []


def _scores(row: Row, others: Sequence[str]) -> list[str]:
    """Its other objectives, and whether it is on the front; empty with one objective."""
    if not others:
        return []
    values = (row.objectives.get(name) for name in others)
    return ["–" if v is None else scored(v) for v in values] + ["yes" if row.is_on_front else ""]


def _last(path: str) -> str:
    return path.rpartition(".")[2]


def _confirmed(sweep: SweepRecord) -> list[list[str]]:
    def interval(row: Mapping[str, Any]) -> str:
        return "–" if row["low"] is None else f"{row['low']:.4f} to {row['high']:.4f}"

    return [
        [
            str(row["trial"]),
            "dropped" if row["dropped"] else "kept",
            str(row["n_seeds"]),
            number(row["mean"]),
            number(row["deviation"]),
            interval(row),
            number(row["searched"]),
            number(row["optimism_gap"]),
        ]
        for row in sweep.status.confirmed
    ]


def _errors(sweep: SweepRecord) -> dict[str, Any]:
    """The most confident wrong predictions, with the words behind them if they are known."""
    evaluated = sweep.leader.evaluated if sweep.leader else None
    if evaluated is None:
        return {"n": 0, "rows": []}
    headings = ["text", "truth", "prediction", "probability", "kinds"]
    rows = [
        [
            _cut(str(each["text"])),
            str(each["truth"]),
            str(each["prediction"]),
            f"{each['probability']:.2f}",
            ", ".join(each.get("kinds", ())),
        ]
        for each in evaluated.errors[:N_ERRORS]
    ]
    if evaluated.words:
        headings.insert(3, "words for it")
        for row, each in zip(rows, evaluated.errors, strict=False):
            row.insert(3, ", ".join(evaluated.words.get(each["row"], ())) or "–")
    return {"n": len(evaluated.errors), "headings": headings, "rows": rows}


def _cut(text: str) -> str:
    return text if len(text) <= MAX_TEXT else f"{text[:MAX_TEXT]}…"


def _data(sweep: SweepRecord) -> dict[str, Any]:
    """The data card: rows of each split by label, notes, and findings of the checks."""
    card = (sweep.leader.data if sweep.leader else None) or {}
    splits: Mapping[str, Any] = card.get("splits", {})
    rows = [("all rows", *(f"{each['rows']:,}" for each in splits.values()))]
    for k, label in enumerate(card.get("labels", ())):
        shares = (
            f"{each['labels'][k]:,} ({as_percentage(each['labels'][k] / max(each['rows'], 1))})"
            for each in splits.values()
        )
        rows.append((label, *shares))
    return {
        "name": card.get("name")
        or (sweep.leader.params.get("dataset.name") if sweep.leader else None),
        "fingerprint": card.get("fingerprint"),
        "headings": ["label", *splits],
        "rows": rows if splits else [],
        "notes": sweep.data_notes,
        "findings": None
        if sweep.findings is None
        else [(each["severity"], each["message"]) for each in sweep.findings],
    }
