"""Tables on screen: leaderboard, confirmation, versions, workers, metrics, confusion."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from rich.console import Console
from rich.table import Table
from rich.text import Text

from finesweep.records import Evaluation
from finesweep.sweep.comparisons import BaselineResult
from finesweep.wording import scored

if TYPE_CHECKING:
    from finesweep.sweep.status import Row

HEADINGS = {
    "training.learning_rate": "rate",
    "training.weight_decay": "decay",
    "dataset.max_length": "length",
    "model.freeze_layers": "frozen",
    "latency_ms/one_p50": "ms",
    "latency_ms/one_p95": "ms p95",
    "latency_ms/batch_p50": "ms of 32",
    "latency_ms/batch_p95": "ms of 32 p95",
}
"""Short headings, so that the usual five fit in 80 columns; other fields show their last part."""
EVALUATION_COLUMNS = {
    "train/loss": "train loss",
    "validation/loss": "validation loss",
    "validation/accuracy": "accuracy",
    "validation/f1": "f1",
    "validation/roc_auc": "roc_auc",
}
"""Columns of a run's evaluations: `split/name` → heading."""
MARKS = {"enqueued": "e", "portfolio": "p"}
"""Mark after the number of a trial whose params were not the sampler's choice."""
METRICS = ("loss", "accuracy", "f1", "f1_micro", "precision", "recall", "roc_auc")
MAX_WIDTH = 16
"""Characters of a searched value."""


def print_leaderboard(
    console: Console, rows: Sequence[Row], *, metric: str, baseline: BaselineResult | None
) -> None:
    """Prints finished trials, best first, with the searched parameters; then the baseline."""
    varied = sorted({path for row in rows for path in row.params if path != "model"})
    others = [
        name for name in next((r.objectives for r in rows if r.objectives), {}) if name != metric
    ]
    headings = [HEADINGS.get(name, name.rpartition("/")[2]) for name in others]
    marks = ["front"] if others else []
    table = _table(["", "trial", metric.rpartition("/")[2], *headings, *marks], right=True)
    table.add_column("model", no_wrap=True)
    for heading in [*(HEADINGS.get(path, path.rpartition(".")[2]) for path in varied), "time"]:
        table.add_column(heading, justify="right", no_wrap=True)
    marked = [origin for origin in MARKS if any(row.origin == origin for row in rows)]
    for rank, row in enumerate(rows, start=1):
        cells = _cells(rank, row, varied, others, aligned=bool(marked))
        table.add_row(*cells, style="" if row.state == "COMPLETE" else "dim")
    if baseline is not None:
        value = _number(baseline.validation_metrics.get(metric))
        known = [_scored(baseline.validation_metrics.get(name)) for name in others]
        blank = ["" for _ in marks]
        cells = ["baseline", "", value, *known, *blank, "TF-IDF, logistic", *("" for _ in varied)]
        table.add_row(*cells, f"{baseline.seconds:.0f} s", style="dim")
    console.print(f"leaderboard by {metric}")
    console.print(table)
    if marked:
        legend = ", ".join(f"{MARKS[origin]} {origin}" for origin in marked)
        console.print(f"params of a trial: {legend}, others from the sampler")
    if audited := sorted(r.trial for r in rows if r.is_audited and r.state == "COMPLETE"):
        console.print(f"ran on for the prune audit: {', '.join(map(str, audited))}")
    for row in rows:
        if row.state == "FAIL":
            console.print(f"trial {row.trial} failed: {row.reason}")


def print_confirmed(console: Console, rows: Sequence[Mapping[str, Any]], *, metric: str) -> None:
    """Prints the confirmed trials: mean over fresh seeds, and how optimistic the search was."""
    name = metric.rpartition("/")[2]
    headings = ["trial", "seeds", f"mean {name}", "std", "95 % interval", "search", "gap"]
    table = _table(headings, right=True)
    table.add_column("", no_wrap=True)
    for row in rows:
        interval = "" if row["low"] is None else f"{row['low']:.4f} … {row['high']:.4f}"
        values = [_number(row[key]) for key in ("mean", "deviation")]
        gap = "" if row["optimism_gap"] is None else f"{row['optimism_gap']:+.4f}"
        note = "eliminated" if row["dropped"] else ""
        table.add_row(
            str(row["trial"]),
            str(row["n_seeds"]),
            *values,
            interval,
            _number(row["searched"]),
            gap,
            note,
        )
    console.print("confirmed with fresh seeds (gap: the search's value minus their mean)")
    console.print(table)


def print_versions(console: Console, versions: Sequence[Mapping[str, Any]]) -> None:
    """Prints one row per version of a registered model, oldest first."""
    table = _table(
        ["version", "aliases", "created", "sweep", "format", "test accuracy", "decision"]
    )
    for each in versions:
        table.add_row(
            each["version"],
            ", ".join(each["aliases"]),
            each["made"][:16].replace("T", " "),
            each["sweep"],
            each["format"],
            _number(each["accuracy"]),
            each["decision"],
        )
    console.print(table)


def _scored(value: float | None) -> str:
    return "" if value is None else scored(value)


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.4f}"


def print_workers(console: Console, workers: Sequence[Mapping[str, Any]]) -> None:
    """Prints the live workers: slot, progress, and age of the last heartbeat."""
    table = _table(["worker"])
    for heading in ("host", "pid", "slot", "examples", "heartbeat"):
        table.add_column(heading, justify="right", no_wrap=True)
    for each in workers:
        slot = "" if each["slot"] is None else str(each["slot"] + 1)
        progress = f"{each['step']:,} of {each['total']:,}" if each["total"] else ""
        age = f"{each['beat_age_seconds']:.0f} s ago"
        table.add_row(each["id"][:8], each["host"], str(each["pid"]), slot, progress, age)
    console.print(table)


def print_metrics(
    console: Console, rows: Mapping[str, Mapping[str, float]], *, of: str | None = None
) -> None:
    """Prints one row per split, or several rows of the split `of`; a column for each of METRICS
    (the run logs all of them)."""
    splits = {row: (of or row, metrics) for row, metrics in rows.items()}
    names = [
        name for name in METRICS if any(f"{split}/{name}" in m for split, m in splits.values())
    ]
    table = _table([""])
    for name in names:
        table.add_column(name, justify="right")
    for row, (split, metrics) in splits.items():
        values = [metrics.get(f"{split}/{name}") for name in names]
        table.add_row(row, *("" if value is None else f"{value:.4f}" for value in values))
    console.print(table)


def print_evaluations(
    console: Console,
    evaluations: Sequence[Evaluation],
    *,
    best: Evaluation,
    published: Mapping[str, Sequence[float | None]],
) -> None:
    """Prints one row per evaluation, the best one marked, beside the published values."""
    logged = {name for each in evaluations for name in each.metrics}
    names = [name for name in EVALUATION_COLUMNS if name in logged]
    table = _table(["epoch", "examples"], right=True)
    headings = [f"published {name.rpartition('/')[2]}" for name in published]
    for heading in [*(EVALUATION_COLUMNS[name] for name in names), *headings]:
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("", no_wrap=True)
    for k, each in enumerate(evaluations):
        values = [_number(each.metrics.get(name)) for name in names]
        theirs = [_number(column[k]) for column in published.values()]
        mark = "best" if each.step == best.step else ""
        table.add_row(f"{each.epoch:.2f}", f"{each.step:,}", *values, *theirs, mark)
    console.print(table)


def print_classes(console: Console, counts: np.ndarray, names: Sequence[str]) -> None:
    """Prints precision, recall and F1 of each class, from the counts of `confusion_counts`."""
    table = _table(["", "precision", "recall", "f1", "rows"])
    for column in table.columns[1:]:
        column.justify = "right"
    for c, name in enumerate(names):
        # With several labels counts are [C, 2, 2]: one matrix of no and yes per label.
        k, own = (1, counts[c]) if counts.ndim == 3 else (c, counts)
        correct, predicted, actual = own[k, k], own[:, k].sum(), own[k].sum()
        f1 = 2 * correct / max(1, predicted + actual)
        scores = (correct / max(1, predicted), correct / max(1, actual), f1)
        table.add_row(Text(name), *(f"{score:.4f}" for score in scores), f"{actual:,}")
    console.print(table)


def print_confusion(console: Console, counts: np.ndarray, names: Sequence[str]) -> None:
    """Prints counts [C, C]: rows are true classes, columns predicted ones."""
    _print_counts(console, names, zip(names, counts.tolist(), strict=True))


def print_label_counts(console: Console, counts: np.ndarray, names: Sequence[str]) -> None:
    """Prints true positives, false negatives and false positives per label; counts [C, 2, 2]."""
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


def _cells(
    rank: int, row: Row, varied: Sequence[str], others: Sequence[str], *, aligned: bool
) -> list[str]:
    """The cells of one trial; others are its objectives besides the metric."""
    head = str(rank) if row.state == "COMPLETE" else row.state.lower()
    value = "" if row.value is None else f"{row.value:.4f}"
    params = [_short(row.params.get(path)) for path in varied]
    seconds = "" if row.seconds is None else f"{row.seconds:.0f} s"
    trial = f"{row.trial}{MARKS.get(row.origin or '', ' ' if aligned else '')}"
    scores = [_scored(row.objectives.get(name)) for name in others]
    front = [("yes" if row.is_on_front else "")] if others else []
    return [head, trial, value, *scores, *front, row.model, *params, seconds]


def _short(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.2g}"
    text = str(value)
    # The end of a teacher's URI or a path tells most, and a wide column would cut the others.
    return text if len(text) <= MAX_WIDTH else f"…{text[1 - MAX_WIDTH :]}"
