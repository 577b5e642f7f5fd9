"""A study's complete trials, best first."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from optuna import Study
from optuna.trial import FrozenTrial, TrialState

from finesweep.records import Direction


def direction_of(study: Study) -> Direction:
    return "maximize" if study.direction.name == "MAXIMIZE" else "minimize"


def ranked(trials: Iterable[FrozenTrial], direction: Direction) -> list[FrozenTrial]:
    """The complete ones among trials: the best value first, of equal ones the earliest."""
    worse = worse_by(direction)
    return sorted(complete(trials), key=lambda trial: (worse(trial.value), trial.number))


def complete(trials: Iterable[FrozenTrial]) -> list[FrozenTrial]:
    """Those that ended with a value."""
    return [trial for trial in trials if trial.state == TrialState.COMPLETE]


def worse_by(direction: Direction) -> Callable[[float | None], float]:
    """A value as a sort key, the best lowest; none counts as 0."""
    sign = -1 if direction == "maximize" else 1
    return lambda value: sign * (value or 0.0)
