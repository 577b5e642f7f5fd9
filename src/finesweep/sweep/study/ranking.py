"""A study's complete trials, best first."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from optuna import Study
from optuna.trial import FrozenTrial, TrialState

from finesweep.records import Direction


def direction_of(study: Study) -> Direction:
    return "maximize" if study.direction.name == "MAXIMIZE" else "minimize"


def ranked(trials: Iterable[FrozenTrial], direction: Direction) -> list[FrozenTrial]:
    """The complete trials, best value first; ties by trial number."""
    worse = worse_by(direction)
    return sorted(complete(trials), key=lambda trial: (worse(trial.value), trial.number))


def complete(trials: Iterable[FrozenTrial]) -> list[FrozenTrial]:
    """The trials that ended with a value."""
    return [trial for trial in trials if trial.state == TrialState.COMPLETE]


def worse_by(direction: Direction) -> Callable[[float | None], float]:
    """A sort key for values that puts the best first; None counts as 0."""
    sign = -1 if direction == "maximize" else 1
    return lambda value: sign * (value or 0.0)
