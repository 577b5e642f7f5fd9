"""Progress of a single run: a line with a bar, or in a log a line for each evaluation."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console, RenderableType

from finesweep.api.console import is_live, say
from finesweep.api.progress.columns import Bar, Column, lines
from finesweep.api.progress.display import displayed
from finesweep.records import Evaluation, Objective
from finesweep.wording import counted, duration

LEAST_SHARE = 0.02
"""Share of a run after which its time left is told."""


class RunProgress:
    """What is known of one run: its stage, its share of the schedule and its latest value."""

    def __init__(
        self, console: Console, objective: Objective, *, epochs: int | None, in_log: bool
    ) -> None:
        """epochs: of the whole schedule; None shows examples. in_log: whether a log gets a line
        for each evaluation."""
        self.console, self.objective, self.epochs = console, objective, epochs
        self.in_log = in_log and not is_live(console)
        self.stage, self.value = "loading", ""
        self.seen = self.total = self._seen_first = 0
        self._since = time.monotonic()

    def between_steps(self) -> None:
        """Called between the stages before training, and after each batch of an evaluation."""
        if self.total:
            self.stage = "evaluating"

    def stepped(self, examples_seen: int, total: int) -> None:
        if not self.total:
            self._since, self._seen_first = time.monotonic(), examples_seen
        self.stage, self.seen, self.total = "training", examples_seen, total

    def evaluated(self, evaluation: Evaluation) -> None:
        value = self.objective.seen_by_pruner(evaluation)
        self.value = f"{self.objective.metric.rpartition('/')[2]} {value:.4f}"
        self.stage = "finishing" if self.seen >= self.total else "training"
        if self.in_log:
            say(self.console, self._logged(evaluation, value))

    def draw(self, width: int) -> RenderableType:
        """Narrow screens lose the bar, then the position, then the time left."""
        share = self.seen / self.total if self.total else None
        percent = "" if share is None else f"{share:.0%}"
        columns = [
            Column([self.stage]),
            Column([Bar(share)], rank=3),
            Column([self._position(share)], rank=2),
            Column([percent]),
            Column([self.value]),
            Column([self._left(share)], rank=1),
        ]
        return lines(columns, width)

    def _position(self, share: float | None) -> str:
        if share is None:
            return ""
        if self.epochs is None:
            return f"{self.seen:,} of {counted(self.total, 'example')}"
        return f"epoch {share * self.epochs:.2f} of {self.epochs}"

    def _left(self, share: float | None) -> str:
        done = (self.seen - self._seen_first) / self.total if self.total else 0.0
        if share is None or done < LEAST_SHARE or share >= 1:
            return ""
        seconds = (time.monotonic() - self._since) * (1 - share) / done
        return f"about {duration(seconds)} left"

    def _logged(self, evaluation: Evaluation, value: float) -> str:
        values = {self.objective.metric: value}
        if "train/loss" in evaluation.metrics:
            values = {"train/loss": evaluation.metrics["train/loss"], **values}
        told = "  ".join(f"{name} {each:.4f}" for name, each in values.items())
        of = "" if self.epochs is None else f" of {self.epochs}"
        return f"epoch {evaluation.epoch:.2f}{of}  {told}"


@contextmanager
def bar(
    console: Console, objective: Objective, *, epochs: int | None = None, in_log: bool = False
) -> Iterator[RunProgress]:
    """The progress of a single run, on console as long as the context lasts."""
    progress = RunProgress(console, objective, epochs=epochs, in_log=in_log)
    with displayed(console, progress.draw):
        yield progress
