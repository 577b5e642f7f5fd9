"""Text lengths of each class, as a grid of small histograms."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, NullLocator

from finesweep.figures.exploration import COLOURS, NAME_CHARACTERS, titled_figure
from finesweep.figures.fonts import drawable
from finesweep.figures.histograms import Bins, bins_for

_FILL, _MEDIAN = COLOURS[5], COLOURS[1]


def lengths_figure(
    values: Mapping[str, Sequence[np.ndarray]], names: Sequence[str], *, title: str
) -> Figure:
    """A figure with a histogram for each class (row) and measure (column), its median marked.

    values: measure → one array for each name. A column shares one axis, which ends at quantiles.
    """
    height = 1.4 + max(0.9, 1.7 - 0.1 * len(names)) * len(names)
    figure = titled_figure(2.8 * len(values) + 0.8, height, title)
    panels = figure.subplots(len(names), len(values), squeeze=False, sharex="col")
    for (measure, arrays), column in zip(values.items(), panels.T, strict=True):
        bins = bins_for(np.concatenate(arrays), n_rows=int(np.median([*map(len, arrays)])))
        top = max(bins.heights(array).max() for array in arrays)
        for axes, array in zip(column, arrays, strict=True):
            _draw_histogram(axes, array, bins, top=top)
        column[0].set_title(measure, fontsize=10)
        column[-1].set_xlabel(bins.note, fontsize=8)
    for axes, name in zip(panels[:, 0], names, strict=True):
        label = drawable(name, NAME_CHARACTERS)
        axes.set_ylabel(label, rotation=0, ha="right", va="center").set_parse_math(False)
    return figure


def _draw_histogram(axes: Axes, values: np.ndarray, bins: Bins, *, top: float) -> None:
    if len(values):
        axes.stairs(bins.heights(values), bins.edges, fill=True, color=_FILL)
        _name_median(axes, float(np.median(values)), left=bins.is_right(float(np.median(values))))
    axes.set_xscale("log" if bins.is_log else "linear")
    axes.set_xlim(bins.edges[0], bins.edges[-1])
    if bins.is_log:
        axes.set_xticks(bins.log_ticks())
    else:
        axes.xaxis.set_major_locator(MaxNLocator(nbins=5, integer=True, min_n_ticks=1))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter("{x:,.9g}")
    axes.set_ylim(0, 1.2 * (top or 1.0))
    axes.set_yticks([])
    axes.tick_params(labelsize=8)
    axes.spines[["top", "right", "left"]].set_visible(False)


def _name_median(axes: Axes, median: float, *, left: bool) -> None:
    axes.axvline(median, color=_MEDIAN, linewidth=1.5)
    axes.annotate(
        f"{median:,.0f}" if median >= 100 else f"{median:.3g}",
        (median, 1),
        xycoords=axes.get_xaxis_transform(),
        xytext=(-3 if left else 3, -1),
        textcoords="offset points",
        ha="right" if left else "left",
        va="top",
        fontsize=8,
    )
