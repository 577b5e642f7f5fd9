"""The confusion matrix as a figure. C classes; rows are true, columns predicted."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

MAX_NUMBERED_CLASSES = 20
MAX_LABEL_CHARACTERS = 20

# One hue from light to dark: readable without colour vision. Grey is a row without examples.
SHARE_COLOURS = colormaps["Blues"].with_extremes(bad="0.9")


def confusion_matrix_figure(
    counts: np.ndarray, label_names: Sequence[str], *, title: str
) -> Figure:
    """A figure of the counts and their row shares, so that the diagonal is recall.

    counts [C, C] int, rows true, columns predicted; label_names: C names, in id order. Above
    MAX_NUMBERED_CLASSES cells have colours only, with a colour bar. A row without true examples is
    grey, with "–" as shares. ValueError if counts is not [C, C].
    """
    n_classes = len(label_names)
    if counts.shape != (n_classes, n_classes):
        raise ValueError(
            f"counts must be square with one row per label name, [{n_classes}, {n_classes}], "
            f"not {list(counts.shape)}"
        )
    side_inches = _side_inches(n_classes)
    figure = Figure(figsize=(side_inches + 2.0, side_inches + 1.6), layout="constrained")
    axes = figure.add_subplot()
    wrapped = textwrap.fill(title, width=int(11 * (side_inches + 1.0)))
    axes.set_title(wrapped, fontsize=12, pad=10).set_parse_math(False)
    axes.set(xlabel="predicted", ylabel="truth")

    shares = _row_shares(counts)
    image = axes.imshow(shares, cmap=SHARE_COLOURS, norm=Normalize(0, 1), interpolation="none")
    _name_classes(axes, label_names, cell_inches=side_inches / n_classes)
    if n_classes <= MAX_NUMBERED_CLASSES:
        write_numbers(axes, image, counts, shares)
    else:
        in_percent = PercentFormatter(xmax=1, symbol=" %")
        bar = figure.colorbar(image, ax=axes, shrink=0.6, aspect=30, pad=0.02, format=in_percent)
        bar.set_label("share of the true class")
    return figure


def _side_inches(n_classes: int) -> float:
    """The matrix's side in inches: large cells with numbers, or small ones without, within a PNG's
    limits."""
    if n_classes <= MAX_NUMBERED_CLASSES:
        return n_classes * (1.1 - 0.025 * n_classes)
    return min(max(8.0, 0.14 * n_classes), 30.0)


def _row_shares(counts: np.ndarray) -> np.ma.MaskedArray:
    """[C, C] float in [0, 1], each cell divided by its row's sum; masked if the row is empty."""
    totals = np.ma.masked_equal(counts.sum(axis=1, keepdims=True), 0)
    shares: np.ma.MaskedArray = counts / totals
    return shares


def _name_classes(axes: Axes, label_names: Sequence[str], *, cell_inches: float) -> None:
    """Labels both axes; names wider than a cell are rotated below the matrix."""
    names = [shorten(name) for name in label_names]
    font_points = min(10.0, 54 * cell_inches)
    widest_inches = max(map(len, names)) * 0.65 * font_points / 72
    axes.set_yticks(range(len(names)), names, fontsize=font_points)
    axes.set_xticks(range(len(names)), names, fontsize=font_points)
    if widest_inches > cell_inches:
        angle = 45 if len(names) <= MAX_NUMBERED_CLASSES else 90
        # Anchored at its end, a rotated name points at its own column.
        anchor = {"rotation_mode": "anchor", "ha": "right"}
        va = "top" if angle == 45 else "center"
        for label in axes.get_xticklabels():
            label.set(rotation=angle, va=va, **anchor)
    for label in [*axes.get_xticklabels(), *axes.get_yticklabels()]:
        label.set_parse_math(False)


def shorten(name: str) -> str:
    """A long name shortened in the middle, since related names often differ only in their last
    word."""
    if len(name) <= MAX_LABEL_CHARACTERS:
        return name
    n_tail = MAX_LABEL_CHARACTERS // 2 - 1
    return f"{name[: MAX_LABEL_CHARACTERS - n_tail - 1]}…{name[-n_tail:]}"


def write_numbers(
    axes: Axes, image: ScalarMappable, counts: np.ndarray, shares: np.ma.MaskedArray
) -> None:
    """Writes the count into each cell of an image of shares, and the share below it."""
    font_points = 10 if len(counts) <= 10 else 8
    cell_colours = image.to_rgba(shares)
    for (row, column), count in np.ndenumerate(counts):
        share = shares[row, column]
        percent = "–" if share is np.ma.masked else f"{100 * share:.1f} %"
        axes.text(
            column,
            row,
            f"{count:,}\n{percent}",
            ha="center",
            va="center",
            fontsize=font_points,
            color=_contrasting(cell_colours[row, column]),
        )


def _contrasting(rgba: np.ndarray) -> str:
    """Black or white, whichever has the higher WCAG 2 contrast; the better is always over 4.5:1."""
    linear = np.where(rgba[:3] <= 0.04045, rgba[:3] / 12.92, ((rgba[:3] + 0.055) / 1.055) ** 2.4)
    luminance = float(linear @ [0.2126, 0.7152, 0.0722])
    return "black" if (luminance + 0.05) ** 2 > 1.05 * 0.05 else "white"
