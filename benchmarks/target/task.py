"""What one peer is to do in a process of its own, and what it hands back."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from target.clock import Seconds

FRESH_SEEDS = (1000, 1001)
"""Training seeds with which each peer's winner is trained again; no search uses them."""


@dataclass(frozen=True)
class Task:
    """One peer on one data set with one seed."""

    dataset: str
    seed: int
    peer: str
    folder: str
    """Holds train.parquet, validation.parquet and the two models; the peer may write here."""
    overrides: tuple[str, ...] = ()
    """finesweep's: Hydra overrides of its sweep."""
    files: str | None = None
    """finesweep's: a folder whose contents are the user's own files, such as portfolios/."""
    target: float | None = None
    """Validation loss at which the peer stops; None goes on to the end of its budget."""
    budget: float | None = None
    """CPU seconds after which no trial is started; None has no limit."""

    @property
    def path(self) -> Path:
        return Path(self.folder)

    def as_json(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Task:
        given = json.loads(text)
        return cls(**given | {"overrides": tuple(given["overrides"])})


@dataclass(frozen=True)
class TrialEnd:
    """One finished trial: seconds since the sweep began, its loss, the best loss until then."""

    cpu: float
    wall: float
    loss: float | None
    """Validation loss on the whole split; None if the trial was pruned or has failed."""
    best: float | None
    state: str


@dataclass
class Trajectory:
    """A sweep's finished trials, and whether it may stop."""

    task: Task
    read: Callable[[], Seconds]
    ends: list[TrialEnd] = field(default_factory=list)
    winner: dict[str, Any] | None = None
    """Params of the best complete trial."""

    def add(self, loss: float | None, state: str, params: Mapping[str, Any]) -> None:
        best = self.best
        if loss is not None and (best is None or loss < best):
            best, self.winner = loss, dict(params)
        self.ends.append(TrialEnd(*self.read(), loss, best, state))

    @property
    def best(self) -> float | None:
        return self.ends[-1].best if self.ends else None

    def is_over(self) -> bool:
        """Whether the target is reached or the budget used."""
        target, budget = self.task.target, self.task.budget
        if target is not None and self.best is not None and self.best <= target:
            return True
        return budget is not None and self.read().cpu >= budget


@dataclass(frozen=True)
class Outcome:
    """One peer's sweep."""

    trajectory: tuple[TrialEnd, ...]
    winner: dict[str, Any] | None
    fresh: tuple[float, ...]
    """The winner's validation losses with FRESH_SEEDS."""
    setup: float = 0.0
    """CPU seconds before the first trial that the clock leaves out: plan, databases, joining."""

    def as_record(self) -> dict[str, Any]:
        return asdict(self)
