"""A study of several objectives, seen as a study of the first one.

Optuna's studies of several objectives cannot prune: `report` and `should_prune` raise. So all of a
sweep but its sampler and its Pareto front sees the study by its first objective: trials report it,
the pruner compares it, the leaderboard is ordered by it. The storage has every objective's value.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from copy import copy

import optuna
from optuna import Study, Trial
from optuna.exceptions import ExperimentalWarning
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState

from finesweep.sweep.study.keys import OBJECTIVES
from finesweep.sweep.study.optuna_private import StudyView, trial_now


class FirstObjective(StudyView):
    """A study of several objectives with the values and the direction of the first one."""

    @property
    def directions(self) -> list[StudyDirection]:
        return self.shown.directions[:1]

    def show(self, trials: list[FrozenTrial]) -> list[FrozenTrial]:
        return [_by_first(trial) for trial in trials]

    def tell(
        self,
        trial: Trial | int,
        values: float | Sequence[float] | None = None,
        state: TrialState | None = None,
        skip_if_finished: bool = False,
    ) -> FrozenTrial:
        """As Study.tell, with the first objective's value; a complete trial has recorded the others
        in its user attribute OBJECTIVES."""
        number = trial if isinstance(trial, int) else trial.number
        told = values
        if isinstance(values, int | float):
            recorded = trial_now(self.shown, number).user_attrs[OBJECTIVES]
            told = [values, *list(recorded.values())[1:]]
        self.shown.sampler = self.sampler
        return _by_first(self.shown.tell(trial, told, state, skip_if_finished))


def by_first_objective(study: Study) -> Study:
    """The study itself, or seen by its first objective if it has several."""
    return FirstObjective(study) if len(study.directions) > 1 else study


def load_by_first(study_name: str, storage: optuna.storages.BaseStorage) -> Study:
    """An existing study, seen by its first objective."""
    return by_first_objective(optuna.load_study(study_name=study_name, storage=storage))


def name_objectives(study: Study, names: Sequence[str]) -> None:
    """Records the objectives' names where Optuna's own plots and dashboard read them."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ExperimentalWarning)
        study.set_metric_names(list(names))


def _by_first(trial: FrozenTrial) -> FrozenTrial:
    """The trial with its first value; a pruned one's is its last report, as Optuna has it for one
    objective."""
    values = trial.values
    if trial.state == TrialState.PRUNED and trial.intermediate_values:
        values = [trial.intermediate_values[max(trial.intermediate_values)]]
    if values is None:
        return trial
    seen = copy(trial)
    seen.values = values[:1]
    return seen
