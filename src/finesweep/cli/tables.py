"""Tables on screen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table

from finesweep.sweep.status import Row

HEADINGS = {
    "training.learning_rate": "rate",
    "training.weight_decay": "decay",
    "dataset.max_length": "length",
    "model.freeze_layers": "frozen",
}
"""Short enough that the usual five stand in eighty columns; other fields keep their last part."""


def print_leaderboard(console: Console, rows: Sequence[Row], *, metric: str) -> None:
    """Finished trials, best first, with the parameters that the sweep varies."""
    varied = sorted({path for row in rows for path in row.params if path != "model"})
    table = _table(["", "trial", metric.rpartition("/")[2]], right=True)
    table.add_column("model", no_wrap=True)
    for heading in [*(HEADINGS.get(path, path.rpartition(".")[2]) for path in varied), "time"]:
        table.add_column(heading, justify="right", no_wrap=True)
    for place, row in enumerate(rows, start=1):
        table.add_row(*_cells(place, row, varied), style="" if row.state == "COMPLETE" else "dim")
    console.print(f"leaderboard by {metric}")
    console.print(table)
    for row in rows:
        if row.state == "FAIL":
            console.print(f"trial {row.trial} failed: {row.reason}", highlight=False)


def trial_line(row: Row, *, metric: str, n_slots: int) -> str:
    """One finished trial in one line, for logs."""
    value = "" if row.value is None else f"{metric} {row.value:.4f}  "
    why = f"{row.reason}  " if row.state == "FAIL" else ""
    seconds = "" if row.seconds is None else f"{row.seconds:.0f} s"
    head = f"trial {row.trial:>3} (slot {row.slot + 1} of {n_slots})  {row.model:<14}"
    return f"{head} {row.state:<9} {value}{why}{seconds}"


def print_workers(console: Console, workers: Sequence[Mapping[str, Any]]) -> None:
    """Who is at work: on which slot, how far, and when last heard of."""
    table = _table(["worker"])
    for heading in ("host", "pid", "slot", "examples", "heard of"):
        table.add_column(heading, justify="right", no_wrap=True)
    for each in workers:
        slot = "" if each["slot"] is None else str(each["slot"] + 1)
        seen = f"{each['step']:,} of {each['total']:,}" if each["total"] else ""
        age = f"{each['beat_age_seconds']:.0f} s ago"
        table.add_row(each["id"][:8], each["host"], str(each["pid"]), slot, seen, age)
    console.print(table)


def print_metrics(console: Console, splits: Mapping[str, Mapping[str, float]]) -> None:
    """One row per split, one column per metric."""
    own = (key.split("/") for split, m in splits.items() for key in m if key.startswith(split))
    names = list(dict.fromkeys(name for _, name in own))
    table = _table([""])
    for name in names:
        table.add_column(name, justify="right")
    for split, metrics in splits.items():
        values = [metrics.get(f"{split}/{name}") for name in names]
        table.add_row(split, *("" if value is None else f"{value:.4f}" for value in values))
    console.print(table)


def _table(headings: Sequence[str], *, right: bool = False) -> Table:
    table = Table(box=None, header_style="bold", pad_edge=False, padding=(0, 1, 0, 0))
    for heading in headings:
        table.add_column(heading, justify="right" if right else "left", no_wrap=True)
    return table


def _cells(place: int, row: Row, varied: Sequence[str]) -> list[str]:
    rank = str(place) if row.state == "COMPLETE" else row.state.lower()
    value = "" if row.value is None else f"{row.value:.4f}"
    params = [_short(row.params.get(path)) for path in varied]
    seconds = "" if row.seconds is None else f"{row.seconds:.0f} s"
    return [rank, str(row.trial), value, row.model, *params, seconds]


def _short(value: Any) -> str:
    if value is None:
        return ""
    return f"{value:.2g}" if isinstance(value, float) else str(value)
