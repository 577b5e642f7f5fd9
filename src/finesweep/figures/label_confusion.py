"""Confusion of several labels as a figure: true and false positives and negatives. C labels."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

import numpy as np
from matplotlib.colors import Normalize
from matplotlib.figure import Figure

from finesweep.figures.confusion import SHARE_COLOURS, shorten, write_numbers

COLUMNS = ("true positive", "false negative", "false positive", "true negative")
"""The first two columns are rows with the label, the others rows without it."""
CELL_INCHES = (1.25, 0.62)
MAX_LABELS = 40
"""Maximum labels in the figure; of more, the most frequent."""


def label_confusion_figure(counts: np.ndarray, label_names: Sequence[str], *, title: str) -> Figure:
    """A figure with four counts per label, coloured by their share of the rows with or without it.

    counts [C, 2, 2] int: for each label, true (no, yes) by predicted (no, yes). Above MAX_LABELS,
    the most frequent labels. ValueError if counts is not [C, 2, 2].
    """
    n_labels = len(label_names)
    if counts.shape != (n_labels, 2, 2):
        raise ValueError(f"counts must be [{n_labels}, 2, 2], not {list(counts.shape)}")
    drawn = np.sort(np.argsort(-counts[:, 1].sum(axis=1), kind="stable")[:MAX_LABELS])
    # Yes before no, both true and predicted.
    cells = counts[drawn][:, ::-1, ::-1]
    table = cells.reshape(-1, len(COLUMNS))
    totals = np.ma.masked_equal(np.repeat(cells.sum(axis=2), 2, axis=1), 0)
    shares: np.ma.MaskedArray = table / totals

    width, height = CELL_INCHES
    size = (len(COLUMNS) * width + 2.2, len(drawn) * height + 1.4)
    figure = Figure(figsize=size, layout="constrained")
    axes = figure.add_subplot()
    more = (
        f" (the {len(drawn)} most frequent of {n_labels} labels)" if len(drawn) < n_labels else ""
    )
    wrapped = textwrap.fill(title + more, width=60)
    axes.set_title(wrapped, fontsize=12, pad=10).set_parse_math(False)
    image = axes.imshow(
        shares, cmap=SHARE_COLOURS, norm=Normalize(0, 1), interpolation="none", aspect="auto"
    )
    axes.set_xticks(range(len(COLUMNS)), COLUMNS)
    axes.tick_params(top=True, labeltop=True, bottom=False, labelbottom=False)
    axes.set_yticks(range(len(drawn)), [shorten(label_names[c]) for c in drawn])
    for label in axes.get_yticklabels():
        label.set_parse_math(False)
    write_numbers(axes, image, table, shares)
    axes.axvline(1.5, color="0.3", linewidth=1)
    return figure
