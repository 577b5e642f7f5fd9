"""Tables on screen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table

from finesweep.sweep import Row

SHORT = {
    "training.learning_rate": "learning rate",
    "training.epochs": "epochs",
    "dataset.max_length": "max length",
    "model.freeze_layers": "frozen",
    "training.weight_decay": "decay",
}


def print_leaderboard(console: Console, rows: Sequence[Row], *, metric: str) -> None:
    """Finished trials, best first, with the parameters that the sweep varies."""
    varied = sorted({path for row in rows for path in row.params if path != "model"})
    table = Table(title=None, box=None, header_style="bold", pad_edge=False)
    for heading in ("", "trial", "model"):
        table.add_column(heading, justify="left" if heading == "model" else "right")
    table.add_column(metric, justify="right")
    for path in varied:
        table.add_column(SHORT.get(path, path.rpartition(".")[2]), justify="right")
    table.add_column("state")
    table.add_column("time", justify="right")
    for place, row in enumerate(rows, start=1):
        table.add_row(*_cells(place, row, varied), style="" if row.state == "COMPLETE" else "dim")
    console.print(table)


def print_metrics(console: Console, splits: Mapping[str, Mapping[str, float]]) -> None:
    """One row per split, one column per metric."""
    names = list(dict.fromkeys(key.split("/")[1] for m in splits.values() for key in m))
    table = Table(box=None, header_style="bold", pad_edge=False)
    table.add_column("")
    for name in names:
        table.add_column(name, justify="right")
    for split, metrics in splits.items():
        values = [metrics.get(f"{split}/{name}") for name in names]
        table.add_row(split, *("" if value is None else f"{value:.4f}" for value in values))
    console.print(table)


def _cells(place: int, row: Row, varied: Sequence[str]) -> list[str]:
    rank = str(place) if row.state == "COMPLETE" else ""
    value = "" if row.value is None else f"{row.value:.4f}"
    params = [_short(row.params.get(path)) for path in varied]
    state = row.state if not row.reason else f"{row.state}: {row.reason}"
    seconds = "" if row.seconds is None else f"{row.seconds:.0f} s"
    return [rank, str(row.trial), row.model, value, *params, state, seconds]


def _short(value: Any) -> str:
    if value is None:
        return ""
    return f"{value:.2g}" if isinstance(value, float) else str(value)
