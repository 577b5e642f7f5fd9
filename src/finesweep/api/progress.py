"""Bars of a run or a sweep: on a terminal and in a notebook, nothing in a log."""

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

from finesweep.records import Evaluation, Objective

SPEED_PERIOD_SECONDS = 600.0
"""Over which the time left is estimated: longer than a trial, since trials differ."""


class Bar:
    """One running trial as a bar of examples seen, with its latest value."""

    def __init__(self, progress: Progress, objective: Objective) -> None:
        self.progress, self.objective = progress, objective
        self.note = "training"
        self.task = progress.add_task("run", total=None, note="loading")

    def stepped(self, seen: int, total: int) -> None:
        self.progress.update(self.task, completed=seen, total=total, note=self.note)

    def evaluated(self, evaluation: Evaluation) -> None:
        value = self.objective.seen_by_pruner(evaluation)
        self.note = f"{self.objective.metric} {value:.4f}"
        self.progress.update(self.task, note=self.note)


@contextmanager
def bar(console: Console, objective: Objective) -> Iterator[Bar]:
    """A single run's bar; nothing where no one looks."""
    with bars(console) as progress:
        yield Bar(progress, objective)


def bars(console: Console) -> Progress:
    """Bars with a note each, for tasks with a field `note`; nothing where no one looks."""
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


def notes_on(progress: bool) -> Console:
    """Where a function that Python called says how far it is: standard error, or a notebook's
    cell; a console that says nothing without progress."""
    return Console(stderr=True, quiet=not progress, markup=False, emoji=False)
