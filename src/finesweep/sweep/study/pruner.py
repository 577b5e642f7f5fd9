"""Pruning per model and at equal shares of a schedule: a trial is compared with its like."""

from __future__ import annotations

from optuna import Study
from optuna.pruners import BasePruner, NopPruner, PercentilePruner
from optuna.trial import FrozenTrial

from finesweep.config import SweepPlan, build
from finesweep.sweep.study.keys import MODEL
from finesweep.sweep.study.pruning.node import built_node
from finesweep.sweep.study.pruning.shares import AtShares
from finesweep.sweep.study.pruning.views import SameModel


def pruner_of(plan: SweepPlan) -> BasePruner:
    """The sweep's pruner, applied per model; nothing is pruned when none is configured."""
    node = built_node(plan)
    return PerModelPruner(NopPruner() if node is None else build(node))


class PerModelPruner(BasePruner):
    """Wraps a pruner so that it sees only trials of the same model, one for each slot.

    Models learn at different speeds, and a fast starter must not prune a slow one. A pruner's
    n_startup_trials is therefore counted per model.
    """

    def __init__(self, pruner: BasePruner) -> None:
        self.pruner = pruner

    def prune(self, study: Study, trial: FrozenTrial) -> bool:
        return self.pruner.prune(SameModel(study, trial.user_attrs.get(MODEL)), trial)


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
