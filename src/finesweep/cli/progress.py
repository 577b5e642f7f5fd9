"""A sweep on screen: bars on a terminal, one line per trial in a log."""

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
from finesweep.sweep.observer import Observer, TrialEnd, TrialStart

SPEED_PERIOD_SECONDS = 600.0
"""Over which the time left is estimated: longer than a trial, since trials differ."""


class Lines:
    """Tells of each trial in one line when it ends, for logs and pipes."""

    def __init__(self, console: Console, objective: Objective) -> None:
        self.console, self.objective = console, objective

    def started(self, start: TrialStart) -> None: ...

    def stepped(self, seen: int, total: int) -> None: ...

    def evaluated(self, evaluation: Evaluation) -> None: ...

    def ended(self, end: TrialEnd) -> None:
        self.console.print(_line(end, self.objective), highlight=False, soft_wrap=True)


class Bar:
    """One running trial as a bar of examples seen, with its latest value."""

    def __init__(self, progress: Progress, objective: Objective) -> None:
        self.progress, self.objective = progress, objective
        self.note = "training"
        self.task = progress.add_task("run", total=None, note="loading")

    def restart(self, description: str) -> None:
        self.note = "training"
        self.progress.reset(
            self.task, total=None, visible=True, description=description, note="loading"
        )

    def hide(self) -> None:
        self.progress.update(self.task, visible=False)

    def stepped(self, seen: int, total: int) -> None:
        self.progress.update(self.task, completed=seen, total=total, note=self.note)

    def evaluated(self, evaluation: Evaluation) -> None:
        value = evaluation.metrics[self.objective.metric]
        self.note = f"{self.objective.metric} {value:.4f}"
        self.progress.update(self.task, note=self.note)


class Bars(Lines):
    """The whole sweep and its running trial as bars, below the lines of finished trials."""

    def __init__(self, progress: Progress, objective: Objective, *, n_slots: int) -> None:
        super().__init__(progress.console, objective)
        self.progress, self.n_finished = progress, 0
        self.sweep = progress.add_task("sweep", total=n_slots, note="")
        self.trial = Bar(progress, objective)

    def started(self, start: TrialStart) -> None:
        self.n_finished = start.n_finished
        self.progress.update(self.sweep, completed=self.n_finished)
        self.trial.restart(f"trial {start.number} {start.model}")

    def stepped(self, seen: int, total: int) -> None:
        self.trial.stepped(seen, total)
        self.progress.update(self.sweep, completed=self.n_finished + seen / total)

    def evaluated(self, evaluation: Evaluation) -> None:
        self.trial.evaluated(evaluation)

    def ended(self, end: TrialEnd) -> None:
        super().ended(end)
        best = "" if end.best_value is None else f"best {end.best_value:.4f}"
        self.progress.update(self.sweep, completed=self.n_finished + 1, note=best)
        self.trial.hide()


@contextmanager
def watching(console: Console, objective: Objective, *, n_slots: int) -> Iterator[Observer]:
    """Bars where someone looks, lines elsewhere."""
    if not console.is_terminal:
        yield Lines(console, objective)
        return
    with _bars(console) as progress:
        yield Bars(progress, objective, n_slots=n_slots)


@contextmanager
def bar(console: Console, objective: Objective) -> Iterator[Bar]:
    """A single run's bar; nothing where no one looks."""
    with _bars(console) as progress:
        yield Bar(progress, objective)


def _bars(console: Console) -> Progress:
    return Progress(
        SpinnerColumn(),
        TextColumn("{task.description:<24}"),
        BarColumn(bar_width=28),
        MofNCompleteColumn(),
        TextColumn("{task.fields[note]}"),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
        console=console,
        speed_estimate_period=SPEED_PERIOD_SECONDS,
        disable=not console.is_terminal,
    )


def _line(end: TrialEnd, objective: Objective) -> str:
    start = end.start
    value = "" if end.value is None else f"{objective.metric} {end.value:.4f}  "
    why = f"{end.reason}  " if end.reason else ""
    where = f"after {end.examples:,} examples, {end.seconds:.0f} s"
    head = f"trial {start.number:>3} ({start.slot + 1} of {start.n_slots})  {start.model:<14}"
    return f"{head} {end.state:<9} {value}{why}{where}"
