"""Tables on screen."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from rich.console import Console
from rich.table import Table
from rich.text import Text

from finesweep.records import Evaluation
from finesweep.sweep.comparisons import BaselineResult

if TYPE_CHECKING:
    from finesweep.sweep.status import Row

HEADINGS = {
    "training.learning_rate": "rate",
    "training.weight_decay": "decay",
    "dataset.max_length": "length",
    "model.freeze_layers": "frozen",
}
"""Short enough that the usual five stand in eighty columns; other fields keep their last part."""


COURSE = {
    "train/loss": "train loss",
    "validation/loss": "validation loss",
    "validation/accuracy": "accuracy",
    "validation/f1": "f1",
    "validation/roc_auc": "roc_auc",
}
"""Of a run's course: `split/name` → heading."""
SHOWN = ("loss", "accuracy", "f1", "f1_micro", "precision", "recall", "roc_auc")


def print_leaderboard(
    console: Console, rows: Sequence[Row], *, metric: str, baseline: BaselineResult | None
) -> None:
    """Finished trials, best first, with the parameters that the sweep varies; then the baseline."""
    varied = sorted({path for row in rows for path in row.params if path != "model"})
    table = _table(["", "trial", metric.rpartition("/")[2]], right=True)
    table.add_column("model", no_wrap=True)
    for heading in [*(HEADINGS.get(path, path.rpartition(".")[2]) for path in varied), "time"]:
        table.add_column(heading, justify="right", no_wrap=True)
    for place, row in enumerate(rows, start=1):
        table.add_row(*_cells(place, row, varied), style="" if row.state == "COMPLETE" else "dim")
    if baseline is not None:
        value = _number(baseline.validation_metrics.get(metric))
        cells = ["baseline", "", value, "TF-IDF, logistic", *("" for _ in varied)]
        table.add_row(*cells, f"{baseline.seconds:.0f} s", style="dim")
    console.print(f"leaderboard by {metric}")
    console.print(table)
    for row in rows:
        if row.state == "FAIL":
            console.print(f"trial {row.trial} failed: {row.reason}", highlight=False)


def print_confirmed(console: Console, rows: Sequence[Mapping[str, Any]], *, metric: str) -> None:
    """The best few with fresh seeds: their mean, and how much too good the search's value was."""
    name = metric.rpartition("/")[2]
    headings = ["trial", "seeds", f"mean {name}", "deviation", "95 % interval", "searched", "gap"]
    table = _table(headings, right=True)
    table.add_column("", no_wrap=True)
    for row in rows:
        interval = "" if row["low"] is None else f"{row['low']:.4f} … {row['high']:.4f}"
        values = [_number(row[key]) for key in ("mean", "deviation")]
        gap = "" if row["optimism_gap"] is None else f"{row['optimism_gap']:+.4f}"
        note = "cannot win" if row["dropped"] else ""
        table.add_row(
            str(row["trial"]),
            str(row["n_seeds"]),
            *values,
            interval,
            _number(row["searched"]),
            gap,
            note,
        )
    console.print("confirmed with fresh seeds; gap is what the search found, minus their mean")
    console.print(table)


def print_versions(console: Console, versions: Sequence[Mapping[str, Any]]) -> None:
    """One row per version of a registered model, the oldest first."""
    table = _table(["version", "aliases", "made", "sweep", "test accuracy", "decision"])
    for each in versions:
        table.add_row(
            each["version"],
            ", ".join(each["aliases"]),
            each["made"][:16].replace("T", " "),
            each["sweep"],
            _number(each["accuracy"]),
            each["decision"],
        )
    console.print(table)


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.4f}"


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


def print_metrics(
    console: Console, rows: Mapping[str, Mapping[str, float]], *, of: str | None = None
) -> None:
    """One row per split, or several rows of one; a column for each of the SHOWN metrics, the run
    has them all."""
    splits = {row: (of or row, metrics) for row, metrics in rows.items()}
    names = [name for name in SHOWN if any(f"{split}/{name}" in m for split, m in splits.values())]
    table = _table([""])
    for name in names:
        table.add_column(name, justify="right")
    for row, (split, metrics) in splits.items():
        values = [metrics.get(f"{split}/{name}") for name in names]
        table.add_row(row, *("" if value is None else f"{value:.4f}" for value in values))
    console.print(table)


def print_course(
    console: Console,
    evaluations: Sequence[Evaluation],
    *,
    best: Evaluation,
    theirs: Mapping[str, Sequence[float | None]],
) -> None:
    """One row per evaluation, the best one marked; theirs are the values that authors published."""
    known = {name for each in evaluations for name in each.metrics}
    names = [name for name in COURSE if name in known]
    table = _table(["epoch", "examples"], right=True)
    published = [f"published {name.rpartition('/')[2]}" for name in theirs]
    for heading in [*(COURSE[name] for name in names), *published]:
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("", no_wrap=True)
    for k, each in enumerate(evaluations):
        values = [_number(each.metrics.get(name)) for name in names]
        told = [_number(column[k]) for column in theirs.values()]
        mark = "best" if each.step == best.step else ""
        table.add_row(f"{each.epoch:.2f}", f"{each.step:,}", *values, *told, mark)
    console.print(table)


def print_classes(console: Console, counts: np.ndarray, names: Sequence[str]) -> None:
    """Precision, recall and F1 of each class from counts as `confusion_counts` makes them."""
    table = _table(["", "precision", "recall", "f1", "rows"])
    for column in table.columns[1:]:
        column.justify = "right"
    for c, name in enumerate(names):
        # Of several labels each has counts of its own, of no and yes.
        k, own = (1, counts[c]) if counts.ndim == 3 else (c, counts)
        found, called, total = own[k, k], own[:, k].sum(), own[k].sum()
        shares = (found / max(1, called), found / max(1, total), 2 * found / max(1, called + total))
        table.add_row(Text(name), *(f"{share:.4f}" for share in shares), f"{total:,}")
    console.print(table)


def print_confusion(console: Console, counts: np.ndarray, names: Sequence[str]) -> None:
    """counts [C, C] as they are: rows the truth, columns the prediction."""
    _print_counts(console, names, zip(names, counts.tolist(), strict=True))


def print_label_counts(console: Console, counts: np.ndarray, names: Sequence[str]) -> None:
    """Of each of several labels, from counts [C, 2, 2], what became of the rows."""
    cells = {name: [yes[1], yes[0], no[1]] for name, (no, yes) in zip(names, counts, strict=True)}
    _print_counts(console, ("true positives", "false negatives", "false positives"), cells.items())


def _print_counts(
    console: Console, headings: Sequence[str], rows: Iterable[tuple[str, Sequence[int]]]
) -> None:
    table = _table([""])
    for heading in headings:
        table.add_column(Text(heading), justify="right")
    for name, counts in rows:
        table.add_row(Text(name), *(f"{n:,}" for n in counts))
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
