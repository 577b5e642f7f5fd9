"""Pruning per model: a trial is compared only with trials of its own model."""

from __future__ import annotations

from collections.abc import Container

from optuna import Study
from optuna.pruners import BasePruner, NopPruner
from optuna.trial import FrozenTrial, TrialState

from finesweep.config import SweepPlan, build
from finesweep.sweep.study.keys import MODEL
from finesweep.sweep.study.optuna_private import storage_of


def pruner_of(plan: SweepPlan) -> BasePruner:
    """The sweep's pruner, applied per model; nothing is pruned when none is configured."""
    node = plan.settings.pruner
    return PerModelPruner(NopPruner() if node is None else build(node))


class PerModelPruner(BasePruner):
    """Wraps a pruner so that it sees only trials of the same model.

    Models learn at different speeds, and a fast starter must not prune a slow one. A pruner's
    n_startup_trials is therefore counted per model. Hyperband and Wilcoxon read the study's storage
    directly, so they still compare across models.
    """

    def __init__(self, pruner: BasePruner) -> None:
        self.pruner = pruner

    def prune(self, study: Study, trial: FrozenTrial) -> bool:
        return self.pruner.prune(_SameModel(study, trial.user_attrs.get(MODEL)), trial)


class _SameModel(Study):
    """A view of a study with one model's trials, as Optuna's Hyperband does for its brackets."""

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
