"""Pruning that compares like with like: a trial with trials of its own model."""

from __future__ import annotations

from collections.abc import Container

from optuna import Study
from optuna.pruners import BasePruner, NopPruner
from optuna.trial import FrozenTrial, TrialState

from finesweep.config import SweepPlan, build
from finesweep.sweep.study.keys import MODEL
from finesweep.sweep.study.optuna_private import storage_of


def pruner_of(plan: SweepPlan) -> BasePruner:
    """The sweep's pruner, which compares trials of one model; without one nothing is pruned."""
    described = plan.settings.pruner
    return PerModelPruner(NopPruner() if described is None else build(described))


class PerModelPruner(BasePruner):
    """Asks another pruner, and shows it only the trials of the same model.

    Models learn at different speeds, and a fast starter must not prune the other. A pruner's
    n_startup_trials is thereby counted per model. Hyperband and Wilcoxon read the study's storage
    themselves, so they still compare across models.
    """

    def __init__(self, pruner: BasePruner) -> None:
        self.pruner = pruner

    def prune(self, study: Study, trial: FrozenTrial) -> bool:
        return self.pruner.prune(_SameModel(study, trial.user_attrs.get(MODEL)), trial)


class _SameModel(Study):
    """A study in which only one model's trials exist; the same trick as Hyperband's brackets."""

    def __init__(self, study: Study, model: str | None) -> None:
        super().__init__(
            study_name=study.study_name,
            storage=storage_of(study),
            sampler=study.sampler,
            pruner=study.pruner,
        )
        self._model = model

    def get_trials(
        self, deepcopy: bool = True, states: Container[TrialState] | None = None
    ) -> list[FrozenTrial]:
        trials = super().get_trials(deepcopy=deepcopy, states=states)
        return [trial for trial in trials if trial.user_attrs.get(MODEL) == self._model]
