"""What became of each of several labels as a picture: found, missed, false alarms. C labels."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

import numpy as np
from matplotlib.colors import Normalize
from matplotlib.figure import Figure

from finesweep.figures.confusion import SHARE_COLOURS, shorten, write_numbers

COLUMNS = ("found", "missed", "false alarm", "rightly not")
"""The first two share the rows for which the label holds, the others those for which it does not.
"""
CELL_INCHES = (1.25, 0.62)
MAX_LABELS = 40
"""That are numbered; of more, the commonest."""


def label_confusion_figure(counts: np.ndarray, label_names: Sequence[str], *, title: str) -> Figure:
    """One row of four counts for each label, coloured by their share of its yeses or noes.

    counts [C, 2, 2] int, of each label the truth (no, yes) by the answer (no, yes). Above
    MAX_LABELS those that hold most often. ValueError when counts is not [C, 2, 2].
    """
    n_labels = len(label_names)
    if counts.shape != (n_labels, 2, 2):
        raise ValueError(f"counts must be [{n_labels}, 2, 2], not {list(counts.shape)}")
    shown = np.sort(np.argsort(-counts[:, 1].sum(axis=1), kind="stable")[:MAX_LABELS])
    # Yes before no, in truth and in answer.
    cells = counts[shown][:, ::-1, ::-1]
    table = cells.reshape(-1, len(COLUMNS))
    totals = np.ma.masked_equal(np.repeat(cells.sum(axis=2), 2, axis=1), 0)
    shares: np.ma.MaskedArray = table / totals

    width, height = CELL_INCHES
    size = (len(COLUMNS) * width + 2.2, len(shown) * height + 1.4)
    figure = Figure(figsize=size, layout="constrained")
    axes = figure.add_subplot()
    more = f" (the {len(shown)} commonest of {n_labels} labels)" if len(shown) < n_labels else ""
    wrapped = textwrap.fill(title + more, width=60)
    axes.set_title(wrapped, fontsize=12, pad=10).set_parse_math(False)
    image = axes.imshow(
        shares, cmap=SHARE_COLOURS, norm=Normalize(0, 1), interpolation="none", aspect="auto"
    )
    axes.set_xticks(range(len(COLUMNS)), COLUMNS)
    axes.tick_params(top=True, labeltop=True, bottom=False, labelbottom=False)
    axes.set_yticks(range(len(shown)), [shorten(label_names[c]) for c in shown])
    for label in axes.get_yticklabels():
        label.set_parse_math(False)
    write_numbers(axes, image, table, shares)
    axes.axvline(1.5, color="0.3", linewidth=1)
    return figure
