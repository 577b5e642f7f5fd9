"""Pruning per model and at equal shares of a schedule: a trial is compared with its like."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import copy

import numpy as np
from optuna import Study
from optuna.pruners import BasePruner, NopPruner, PercentilePruner
from optuna.trial import FrozenTrial, TrialState

from finesweep.config import SweepPlan, build
from finesweep.sweep.study.keys import MODEL, PRUNE_AUDIT, TOTAL
from finesweep.sweep.study.optuna_private import StudyView


def pruner_of(plan: SweepPlan) -> BasePruner:
    """The sweep's pruner, applied per model; nothing is pruned when none is configured."""
    node = plan.settings.pruner
    return PerModelPruner(NopPruner() if node is None else build(node))


class PerModelPruner(BasePruner):
    """Wraps a pruner so that it sees only trials of the same model.

    Models learn at different speeds, and a fast starter must not prune a slow one. A pruner's
    n_startup_trials is therefore counted per model. Hyperband and Wilcoxon read the study's storage
    directly, so they still compare across models.

    A trial that runs on for the prune audit is shown as the stopped one that it would have been,
    without its later values: in the median of complete trials they would make the pruner milder,
    and the audit would change what it measures.
    """

    def __init__(self, pruner: BasePruner) -> None:
        self.pruner = pruner

    def prune(self, study: Study, trial: FrozenTrial) -> bool:
        return self.pruner.prune(_SameModel(study, trial.user_attrs.get(MODEL)), trial)


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
        own.intermediate_values = {round(k): value for k, value in _by_percent(trial).items()}
        return self.pruner.prune(_AtPercents(study, list(own.intermediate_values)), own)


class SharePruner(BasePruner):
    """Prunes a trial below a percentile of others at the same share of their own schedules."""

    def __init__(
        self, percentile: float = 50.0, n_startup_trials: int = 4, n_warmup_percent: int = 25
    ) -> None:
        """The best `percentile` of 100 trials are kept; a trial is not pruned before
        n_startup_trials complete ones, or before n_warmup_percent of its schedule."""
        self.pruner = AtShares(
            PercentilePruner(
                percentile, n_startup_trials=n_startup_trials, n_warmup_steps=n_warmup_percent
            )
        )

    def prune(self, study: Study, trial: FrozenTrial) -> bool:
        return self.pruner.prune(study, trial)


class _SameModel(StudyView):
    """One model's trials, as they would be without the prune audit."""

    def __init__(self, study: Study, model: str | None) -> None:
        super().__init__(study)
        self._model = model

    def show(self, trials: list[FrozenTrial]) -> list[FrozenTrial]:
        same = (trial for trial in trials if trial.user_attrs.get(MODEL) == self._model)
        return [_as_stopped(trial) if _is_audited(trial) else trial for trial in same]


class _AtPercents(StudyView):
    """All trials with a known schedule, with their values at these percents of it."""

    def __init__(self, study: Study, percents: Sequence[int]) -> None:
        super().__init__(study)
        self._percents = percents

    def show(self, trials: list[FrozenTrial]) -> list[FrozenTrial]:
        return [self._interpolated(trial) for trial in trials if TOTAL in trial.user_attrs]

    def _interpolated(self, trial: FrozenTrial) -> FrozenTrial:
        shown, known = copy(trial), _by_percent(trial)
        shown.intermediate_values = {
            percent: float(np.interp(percent, list(known), list(known.values())))
            for percent in self._percents
            # A rounded percent may lie beside the evaluation that it names.
            if known and min(known) - 0.5 <= percent <= max(known) + 0.5
        }
        return shown


def _is_audited(trial: FrozenTrial) -> bool:
    """Whether the trial runs, or ran to its end, although the pruner would have stopped it."""
    is_running_on = trial.state in (TrialState.RUNNING, TrialState.COMPLETE)
    return is_running_on and PRUNE_AUDIT in trial.user_attrs


def _as_stopped(trial: FrozenTrial) -> FrozenTrial:
    """An audited trial as the pruner would have left it."""
    stopped, last = copy(trial), trial.user_attrs[PRUNE_AUDIT]["step"]
    values = {step: value for step, value in trial.intermediate_values.items() if step <= last}
    stopped.state, stopped.intermediate_values = TrialState.PRUNED, values
    stopped.value = values[max(values)] if values else None
    return stopped


def _by_percent(trial: FrozenTrial) -> Mapping[float, float]:
    """Percent of the trial's schedule → reported value, ascending."""
    total = trial.user_attrs[TOTAL]
    return {100 * step / total: value for step, value in sorted(trial.intermediate_values.items())}
