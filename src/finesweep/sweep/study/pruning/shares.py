"""Comparison of trials at equal shares of their own schedules."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import copy

import numpy as np
from optuna import Study
from optuna.pruners import BasePruner
from optuna.trial import FrozenTrial

from finesweep.sweep.study.keys import TOTAL
from finesweep.sweep.study.pruning.views import View

ROUNDING = 0.5
"""Percent by which a rounded share may lie beside the evaluation that it names."""


class AtShares(BasePruner):
    """Makes a pruner compare trials at the same share of their own schedules.

    The learning rate falls to zero over a trial's own epochs, so after as many examples a long
    trial has a higher one, and usually a higher loss, than a short trial. The pruner's steps are
    percent of the schedule, and others' values are interpolated at this trial's.
    """

    def __init__(self, pruner: BasePruner) -> None:
        self.pruner = pruner

    def prune(self, study: Study, trial: FrozenTrial) -> bool:
        if TOTAL not in trial.user_attrs:
            return False
        own = copy(trial)
        own.intermediate_values = {round(k): value for k, value in by_percent(trial).items()}
        return self.pruner.prune(_AtPercents(study, list(own.intermediate_values)), own)


def by_percent(trial: FrozenTrial) -> Mapping[float, float]:
    """Percent of the trial's schedule → reported value, ascending; empty before it has one."""
    if (total := trial.user_attrs.get(TOTAL)) is None:
        return {}
    return {100 * step / total: value for step, value in sorted(trial.intermediate_values.items())}


class _AtPercents(View):
    """All trials with a known schedule, with their values at these percents of it."""

    def __init__(self, study: Study, percents: Sequence[int]) -> None:
        super().__init__(study)
        self._percents = percents

    def show(self, trials: list[FrozenTrial]) -> list[FrozenTrial]:
        return [self._interpolated(trial) for trial in trials if TOTAL in trial.user_attrs]

    def _interpolated(self, trial: FrozenTrial) -> FrozenTrial:
        shown, known = copy(trial), by_percent(trial)
        shown.intermediate_values = {
            percent: float(np.interp(percent, list(known), list(known.values())))
            for percent in self._percents
            if known and min(known) - ROUNDING <= percent <= max(known) + ROUNDING
        }
        return shown
