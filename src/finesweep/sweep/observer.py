"""Who watches a sweep: the screen, or a log."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from finesweep.records import Evaluation


@dataclass(frozen=True)
class TrialStart:
    """A trial that begins."""

    number: int
    slot: int
    n_slots: int
    n_finished: int
    """Slots finished before it began."""
    model: str
    values: Mapping[str, Any]


@dataclass(frozen=True)
class TrialEnd:
    """A trial that ended: Optuna's state, its value if it has one, and why it failed if it did."""

    start: TrialStart
    state: str
    value: float | None
    reason: str | None
    seconds: float
    examples: int
    """Training examples seen."""
    best_value: float | None
    """Of the whole study so far."""


class Observer(Protocol):
    """Told what a sweep does, as it does it."""

    def started(self, start: TrialStart) -> None: ...

    def stepped(self, seen: int, total: int) -> None: ...

    def evaluated(self, evaluation: Evaluation) -> None: ...

    def ended(self, end: TrialEnd) -> None: ...
