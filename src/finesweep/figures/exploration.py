"""Figures of a dataset: class balance, and the share of texts that max_length truncates."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from finesweep.figures.fonts import drawable

# Okabe and Ito's, without yellow, which is too pale for a line; line styles differ too.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#999999")
_STYLES = ("-", "--", "-.", ":")
NAME_CHARACTERS = 22
CURVE = (16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512, 768, 1024)


def balance_figure(
    counts: Mapping[str, Sequence[int]], names: Sequence[str], *, totals: Sequence[int], title: str
) -> Figure:
    """A figure of each class's share of each split, with its rows.

    counts: split → rows of each named class; totals: all rows of each split.
    """
    figure = titled_figure(9.0, 1.5 + 0.28 * (len(counts) + 0.5) * len(names), title)
    axes = figure.add_subplot()
    height = 0.85 / len(counts)
    for k, ((split, rows), total) in enumerate(zip(counts.items(), totals, strict=True)):
        places = np.arange(len(names)) + (k - (len(counts) - 1) / 2) * height
        shares = [n / total for n in rows]
        bars = axes.barh(places, shares, 0.92 * height, color=COLOURS[k], label=split)
        labels = [f"{n:,} ({share:.1%})" for n, share in zip(rows, shares, strict=True)]
        axes.bar_label(bars, labels, padding=3, fontsize=8)
    axes.set_yticks(range(len(names)), [drawable(name, NAME_CHARACTERS) for name in names])
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.margins(x=0.18)
    axes.set_xlabel("share of the split")
    axes.xaxis.set_major_formatter(PercentFormatter(xmax=1, decimals=0))
    figure.legend(loc="outside lower center", ncols=len(counts), frameon=False)
    _finish(axes)
    return figure


def truncation_figure(
    panels: Mapping[str, Mapping[str, np.ndarray]], *, n_special: int, chosen: int, title: str
) -> Figure:
    """A figure of the share of texts that each max_length truncates, with a curve for each set of
    texts.

    panels: panel's title → name → tokens of each text; chosen: the configured max_length.
    """
    figure = titled_figure(11.0, 4.4, title)
    columns = figure.subplots(1, len(panels), squeeze=False)[0]
    for axes, (heading, sets) in zip(columns, panels.items(), strict=True):
        for k, (name, tokens) in enumerate(sets.items()):
            _draw_curve(axes, k, drawable(name, NAME_CHARACTERS), tokens + n_special)
        _mark(axes, chosen)
        axes.set_title(heading, fontsize=10, loc="left", pad=16)
        axes.set_xscale("log", base=2)
        axes.set_xticks([2**k for k in range(4, 11)])
        axes.xaxis.set_major_formatter("{x:.0f}")
        axes.set_ylim(0, 1)
        axes.yaxis.set_major_formatter(PercentFormatter(xmax=1, decimals=0))
        axes.set(xlabel="max_length, in tokens", ylabel="texts truncated")
        for text in axes.legend(frameon=False, fontsize=8).get_texts():
            text.set_parse_math(False)
        _finish(axes)
    return figure


def _draw_curve(axes: Axes, k: int, name: str, tokens: np.ndarray) -> None:
    shares = [float((tokens > length).mean()) if len(tokens) else math.nan for length in CURVE]
    colour, style = COLOURS[k % len(COLOURS)], _STYLES[k % len(_STYLES)]
    axes.plot(CURVE, shares, style, color=colour, marker=".", label=name, clip_on=False)


def _mark(axes: Axes, chosen: int) -> None:
    """Draws a line at the configured max_length, labelled above the frame, where no curve is."""
    axes.axvline(chosen, color="0.55", linewidth=1)
    axes.annotate(
        f"max_length={chosen}",
        (chosen, 1),
        xycoords=axes.get_xaxis_transform(),
        xytext=(0, 4),
        textcoords="offset points",
        ha="center",
        fontsize=8,
    )


def titled_figure(width_inches: float, height_inches: float, title: str) -> Figure:
    """An empty figure with a title and a constrained layout."""
    figure = Figure(figsize=(width_inches, height_inches), layout="constrained")
    figure.suptitle(title, fontsize=12).set_parse_math(False)
    return figure


def _finish(axes: Axes) -> None:
    for label in axes.get_yticklabels():
        label.set_parse_math(False)
    axes.grid(axis="x", color="0.9")
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
