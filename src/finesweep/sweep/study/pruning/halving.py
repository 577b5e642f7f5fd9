"""Successive halving and Hyperband, decided from the reported curves alone.

Optuna's own keep each decision on the trial itself, which a retry loses, choose a trial's bracket
by its number, which a retry changes, and read the storage, where all models are. The rules are
Optuna's: Li et al. 2020 (A System for Massively Parallel Hyperparameter Tuning) and Li et al. 2018
(Hyperband).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from zlib import crc32

import numpy as np
from optuna import Study
from optuna.pruners import BasePruner
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial

from finesweep.sweep.study.keys import SLOT, TOTAL
from finesweep.sweep.study.pruning.shares import ROUNDING, by_percent
from finesweep.sweep.study.pruning.views import View

WHOLE = 100.0
"""Percent of a schedule."""
NEARLY = 1e-9
"""Of a logarithm that is a whole number but for its rounding."""


class SuccessiveHalving(BasePruner):
    """Prunes a trial that is not among the best of those that came as far, at each rung it reaches.

    Rungs are min_resource times powers of reduction_factor, before the trial's own end. The best of
    reduction_factor goes on; among fewer, the best. Between two evaluations a value lies on a line.
    """

    def __init__(
        self,
        min_resource: float,
        reduction_factor: int = 4,
        min_early_stopping_rate: int = 0,
        bootstrap_count: int = 0,
        *,
        in_percent: bool = True,
    ) -> None:
        """min_resource is in percent of a trial's schedule, or in training examples.

        min_early_stopping_rate leaves out so many of the first rungs; as in Optuna, a rung that no
        more than bootstrap_count trials have reached lets none go on.
        """
        _require(min_resource, reduction_factor, bootstrap_count)
        self.reduction_factor, self.bootstrap_count = reduction_factor, bootstrap_count
        self.first_rung = min_resource * reduction_factor**min_early_stopping_rate
        self.in_percent = in_percent

    def prune(self, study: Study, trial: FrozenTrial) -> bool:
        curve = self.curve(trial)
        if not curve:
            return False
        rungs = [rung for rung in self.rungs(trial) if _is_just_reached(rung, curve, self.slack)]
        if not rungs:
            return False
        others = [
            self.curve(other)
            for other in study.get_trials(deepcopy=False)
            if _slot(other) != _slot(trial)
        ]
        return any(
            self._is_stopped(rung, curve, others, study.direction == StudyDirection.MAXIMIZE)
            for rung in rungs
        )

    @property
    def slack(self) -> float:
        """By how much an evaluation may lie before the rung that it reaches."""
        return ROUNDING if self.in_percent else 0.0

    def curve(self, trial: FrozenTrial) -> Mapping[float, float]:
        """Percent or examples → reported value, ascending."""
        return (
            by_percent(trial)
            if self.in_percent
            else dict(sorted(trial.intermediate_values.items()))
        )

    def rungs(self, trial: FrozenTrial) -> list[float]:
        """The trial's rungs, in percent or examples: at its end nothing is left to save."""
        end = WHOLE if self.in_percent else trial.user_attrs.get(TOTAL, max(self.curve(trial)) + 1)
        return rungs_between(self.first_rung, end - self.slack, self.reduction_factor)

    def _is_stopped(
        self,
        rung: float,
        curve: Mapping[float, float],
        others: Sequence[Mapping[float, float]],
        is_maximized: bool,
    ) -> bool:
        own = _value_at(rung, curve)
        if math.isnan(own):
            return True
        reached = (_value_at(rung, o) for o in others if o and max(o) >= rung - self.slack)
        values = sorted([own, *(v for v in reached if not math.isnan(v))], reverse=is_maximized)
        if len(values) <= self.bootstrap_count:
            return True
        last = values[max(0, len(values) // self.reduction_factor - 1)]
        return own < last if is_maximized else own > last


@dataclass(frozen=True)
class Bracket:
    """Trials that are halved from the same rung on."""

    weight: int
    """Its part of the trials, as Optuna allots them."""
    halving: SuccessiveHalving


class Hyperband(BasePruner):
    """Successive halving in brackets, from eager to none at all, so that no rung is trusted alone.

    A trial's bracket depends on its study and slot, and is so the same in each attempt.
    """

    def __init__(
        self,
        min_resource: float,
        max_resource: float = WHOLE,
        reduction_factor: int = 3,
        bootstrap_count: int = 0,
        *,
        in_percent: bool = True,
    ) -> None:
        """min_resource and max_resource are in percent of a trial's schedule, or in training
        examples; the number of brackets follows from their ratio."""
        _require(min_resource, reduction_factor, bootstrap_count)
        if max_resource < min_resource:
            raise ValueError(
                f"max_resource {max_resource:g} is below min_resource {min_resource:g}"
            )
        n_reductions = math.log(max_resource / min_resource, reduction_factor)
        n_brackets = math.floor(n_reductions + NEARLY) + 1
        self.brackets = tuple(
            Bracket(
                # Optuna's budget of the bracket with so many reductions left to do.
                math.ceil(n_brackets * reduction_factor**left / (left + 1)),
                SuccessiveHalving(
                    min_resource,
                    reduction_factor,
                    n_brackets - 1 - left,
                    bootstrap_count,
                    in_percent=in_percent,
                ),
            )
            for left in reversed(range(n_brackets))
        )

    def prune(self, study: Study, trial: FrozenTrial) -> bool:
        bracket = self.bracket_of(study.study_name, trial)
        return self.brackets[bracket].halving.prune(_OneBracket(study, self, bracket), trial)

    def bracket_of(self, study_name: str, trial: FrozenTrial) -> int:
        """The index of the trial's bracket, as Optuna draws it, but by slot."""
        weights = [bracket.weight for bracket in self.brackets]
        drawn = crc32(f"{study_name}_{_slot(trial)}".encode()) % sum(weights)
        return int(np.searchsorted(np.cumsum(weights), drawn, side="right"))


class _OneBracket(View):
    """The trials of one bracket."""

    def __init__(self, study: Study, hyperband: Hyperband, bracket: int) -> None:
        super().__init__(study)
        self._hyperband, self._bracket = hyperband, bracket

    def show(self, trials: list[FrozenTrial]) -> list[FrozenTrial]:
        bracket_of = self._hyperband.bracket_of
        return [t for t in trials if bracket_of(self.study_name, t) == self._bracket]


def rungs_between(first: float, end: float, reduction_factor: int) -> list[float]:
    """first times powers of reduction_factor, below end."""
    rungs = []
    while first < end:
        rungs.append(first)
        first *= reduction_factor
    return rungs


def _require(min_resource: float, reduction_factor: int, bootstrap_count: int) -> None:
    if min_resource <= 0:
        raise ValueError(f"min_resource is {min_resource:g}, but must be above 0")
    if reduction_factor < 2:
        raise ValueError(f"reduction_factor is {reduction_factor}, but must be at least 2")
    if bootstrap_count < 0:
        raise ValueError(f"bootstrap_count is {bootstrap_count}, but must be at least 0")


def _is_just_reached(rung: float, curve: Mapping[float, float], slack: float) -> bool:
    """Whether the last evaluation, and none before it, has reached the rung."""
    *before, last = curve
    return last >= rung - slack and not any(step >= rung - slack for step in before)


def _value_at(rung: float, curve: Mapping[float, float]) -> float:
    """The value at a rung; the first one, if the rung lies before it."""
    return float(np.interp(rung, list(curve), list(curve.values())))


def _slot(trial: FrozenTrial) -> int:
    """The trial's slot; in a study without slots its number."""
    return int(trial.user_attrs.get(SLOT, trial.number))
