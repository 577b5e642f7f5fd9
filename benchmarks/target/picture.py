"""The anytime curves: best loss so far against time, a panel for each data set and one for all."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np

from target.peers import TPE
from target.report import Record, loss_at, ordered, standardized, with_reference

mpl.use("Agg")

GRID = np.linspace(0.0, 1.0, 201)
"""Shares of the reference's whole time."""
COLOURS = ("#000000", "#E69F00", "#56B4E9", "#009E73", "#D55E00", "#CC79A7", "#0072B2", "#999999")
"""Okabe and Ito's, which people with any colour vision tell apart."""


def draw(records: Sequence[Record], path: Path) -> None:
    """Writes the picture as SVG or PNG, by the file's extension; ValueError without results."""
    from matplotlib import pyplot

    pairs = with_reference(records)
    if not pairs:
        raise ValueError(f"no results with peer {TPE} yet")
    peers, datasets = ordered(pairs, "peer"), ordered(pairs, "dataset")
    colours = {peer: COLOURS[k % len(COLOURS)] for k, peer in enumerate(peers)}
    n_columns = min(4, len(datasets) + 1)
    n_rows = -(-(len(datasets) + 1) // n_columns)
    figure, axes = pyplot.subplots(
        n_rows, n_columns, figsize=(3.4 * n_columns, 2.7 * n_rows + 0.7), squeeze=False,
        sharex=True, sharey=True, layout="constrained",
    )  # fmt: skip
    panels = list(axes.flat)
    for panel, dataset in zip(panels, (*datasets, None), strict=False):
        _draw_panel(panel, [p for p in pairs if dataset in (p[0]["dataset"], None)], colours)
        n_runs = len(
            {(r["dataset"], r["seed"]) for r, _ in pairs if dataset in (r["dataset"], None)}
        )
        panel.tick_params(labelbottom=True)  # below some there is none
        panel.set_title(f"{dataset or 'all sets'} ({n_runs} sweeps)", fontsize=10)
    for panel in panels[len(datasets) + 1 :]:
        panel.set_axis_off()
    figure.supxlabel(f"CPU seconds, as a share of {TPE}'s whole sweep", fontsize=10)
    figure.supylabel(
        "best validation loss so far\n(0: the target, 1: classes' shares)", fontsize=10
    )
    handles, labels = panels[len(datasets)].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=min(6, len(labels)))
    figure.savefig(path, dpi=130)
    pyplot.close(figure)


def _draw_panel(
    panel: Any, pairs: Sequence[tuple[Record, Record]], colours: dict[str, str]
) -> None:
    for peer, colour in colours.items():
        of_peer = [pair for pair in pairs if pair[0]["peer"] == peer]
        if of_peer:
            panel.plot(GRID, mean_curve(of_peer), color=colour, label=peer, linewidth=1.6)
    panel.axhline(0.0, color="#666666", linewidth=0.8, linestyle="--")
    panel.set_ylim(-0.35, 1.15)
    panel.set_xlim(0, 1)
    panel.grid(alpha=0.25)


def mean_curve(pairs: Sequence[tuple[Record, Record]]) -> Any:
    """The standardised loss at each share of GRID, the mean of the runs."""
    return np.mean(
        [
            [
                standardized(loss_at(ours, share * theirs["trajectory"][-1]["cpu"]), theirs)
                for share in GRID
            ]
            for ours, theirs in pairs
        ],
        axis=0,
    )
