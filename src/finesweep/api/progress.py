"""Progress bars of a run or a sweep, on a terminal and in a notebook."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from finesweep.api.console import screen
from finesweep.records import Evaluation, Objective

SPEED_PERIOD_SECONDS = 600.0
"""Window for the estimate of the time left: longer than a trial, since trials differ."""


class Bar:
    """A bar of examples seen in one run, with the latest value of the objective."""

    def __init__(self, progress: Progress, objective: Objective) -> None:
        self.progress, self.objective = progress, objective
        self.note = "training"
        self.task = progress.add_task("run", total=None, note="loading")

    def stepped(self, examples_seen: int, total: int) -> None:
        self.progress.update(self.task, completed=examples_seen, total=total, note=self.note)

    def evaluated(self, evaluation: Evaluation) -> None:
        value = self.objective.seen_by_pruner(evaluation)
        self.note = f"{self.objective.metric} {value:.4f}"
        self.progress.update(self.task, note=self.note)


@contextmanager
def bar(console: Console, objective: Objective) -> Iterator[Bar]:
    """The bar of a single run; hidden in a log."""
    with bars(console) as progress:
        yield Bar(progress, objective)


def bars(console: Console) -> Progress:
    """Bars for tasks with a field `note`; hidden in a log."""
    return Progress(
        SpinnerColumn(),
        TextColumn("{task.description:<24}", markup=False),
        BarColumn(bar_width=28),
        MofNCompleteColumn(),
        TextColumn("{task.fields[note]}", markup=False),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
        console=console,
        speed_estimate_period=SPEED_PERIOD_SECONDS,
        disable=console.quiet or not (console.is_terminal or console.is_jupyter),
    )


def progress_console(progress: bool) -> Console:
    """The console for progress of an API call: standard error or the notebook's cell; silent if
    progress is false."""
    return screen(stderr=True, quiet=not progress)
