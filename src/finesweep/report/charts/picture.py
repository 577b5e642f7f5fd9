"""One picture of a report, and the look that all of them share.

Text, grid and hover colours are the page's own CSS variables, so that a figure follows the reader's
theme, on paper too; figures themselves are transparent.
"""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import plotly.graph_objects as go

COLOURS = ("#3b82c4", "#e07b39", "#2a9d76", "#b565c9", "#a98c12", "#d6497a")
"""One per model, at least 3:1 against the page in both themes."""
SYMBOLS = ("circle", "square", "diamond", "triangle-up", "cross", "star")
CHOSEN = "#dc2f45"
"""The winner, or the best trial so far."""
MUTED = "#8a919c"
HEIGHT = 380
MAX_NAME = 40
MAX_ROWS = 200
"""Rows of the table behind a picture: a sweep of a thousand trials has them all in its study."""


@dataclass(frozen=True)
class Picture:
    """Figures that are read together, in words, or the reason why there are none."""

    key: str
    """Its anchor in the page."""
    title: str
    caption: str
    """What it shows and how it is made; without figures, what is missing."""
    figures: Sequence[go.Figure] = ()
    alt: str = ""
    """What a reader who cannot see it should know."""
    headings: Sequence[str] = ()
    rows: Sequence[Sequence[Any]] = ()

    @property
    def shown_rows(self) -> Sequence[Sequence[Any]]:
        return self.rows[:MAX_ROWS]

    @property
    def n_left_out(self) -> int:
        return max(0, len(self.rows) - MAX_ROWS)


def figure(
    *traces: Any, x: str, y: str, height: int = HEIGHT, layout: Mapping[str, Any] | None = None
) -> go.Figure:
    """A figure of these traces; x and y are the titles of its axes."""
    axis = {"automargin": True, "zeroline": False, "gridcolor": MUTED, "tickfont": {"size": 12}}
    made = go.Figure(list(traces))
    made.update_layout(
        template=go.layout.Template(),
        height=height,
        margin={"l": 8, "r": 8, "t": 24, "b": 8},
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        font={"family": "system-ui, sans-serif", "size": 13},
        hovermode="closest",
        hoverlabel={"bgcolor": "#1f2630", "font": {"color": "#ffffff"}, "align": "left"},
        legend={"orientation": "h", "yanchor": "bottom", "y": 1.0, "x": 0, "title": {"text": ""}},
        xaxis={**axis, "title": {"text": x}},
        yaxis={**axis, "title": {"text": y}},
    )
    made.update_layout(**(layout or {}))
    return made


def look_of(models: Sequence[str]) -> dict[str, tuple[str, str]]:
    """Model → its colour and its marker, the same in all pictures."""
    return {
        model: (COLOURS[k % len(COLOURS)], SYMBOLS[k % len(SYMBOLS)])
        for k, model in enumerate(models)
    }


def marker(look: tuple[str, str], *, is_pruned: bool, size: int) -> dict[str, Any]:
    """The marker of a model's trials: a thin cross for pruned ones."""
    colour, symbol = look
    if is_pruned:
        line = {"color": colour, "width": 1.5}
        return {"symbol": "x-thin", "color": colour, "line": line, "size": size, "opacity": 0.7}
    return {"symbol": symbol, "color": colour, "size": size, "opacity": 0.9}


def plain(text: object) -> str:
    """The text as Plotly shows it to the letter: it would take tags in it for its own."""
    return html.escape(str(text), quote=False)


def short(text: object) -> str:
    """The text, cut to what fits beside an axis."""
    value = " ".join(str(text).split())
    return plain(value if len(value) <= MAX_NAME else f"{value[: MAX_NAME - 1]}…")


def brief(value: float | None) -> float | None:
    """The number in six digits, which is more than a picture shows: a thousand trials make many."""
    return None if value is None else float(f"{value:.6g}")


def number(value: float | None) -> str:
    """A score with four decimals; a dash without one."""
    return "–" if value is None else f"{value:.4f}"


def setting(value: object) -> str:
    """A searched value: numbers in at most four digits."""
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def settings(params: Mapping[str, Any], *, but: Sequence[str] = ("model",)) -> str:
    """`learning_rate 0.0002, epochs 2`: last parts of the paths with their values."""
    shown = ((path, value) for path, value in sorted(params.items()) if path not in but)
    return ", ".join(f"{path.rpartition('.')[2]} {setting(value)}" for path, value in shown)
