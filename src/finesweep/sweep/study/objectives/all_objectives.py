"""A study of several objectives as its sampler sees it: all values, comparable with each other."""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from typing import Any

from optuna import Study
from optuna.distributions import BaseDistribution
from optuna.samplers import BaseSampler
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState

from finesweep.sweep.study.objectives.first_objective import FirstObjective
from finesweep.sweep.study.objectives.latencies import Latencies, latencies_in
from finesweep.sweep.study.optuna_private import StudyView


class AllObjectives(StudyView):
    """A study of several objectives with all values, and the latencies of one machine.

    Optuna has no single direction for such a study, but its TPESampler asks for one to order pruned
    trials by their reports, which are of the first objective; so here it is the first one's.
    """

    def __init__(self, study: Study) -> None:
        super().__init__(study)
        self._latencies: Latencies | None = None

    @property
    def direction(self) -> StudyDirection:
        return self.directions[0]

    def show(self, trials: list[FrozenTrial]) -> list[FrozenTrial]:
        if self._latencies is None:
            self._latencies = latencies_in(self.user_attrs)
        return [_with(self._latencies, trial) for trial in trials]


class SeesAllObjectives(BaseSampler):
    """A sampler that sees all objectives of a study that others see by its first one."""

    def __init__(self, sampler: BaseSampler) -> None:
        self.sampler = sampler
        self._seen: dict[Study, Study] = {}

    def reseed_rng(self) -> None:
        self.sampler.reseed_rng()

    def infer_relative_search_space(
        self, study: Study, trial: FrozenTrial
    ) -> dict[str, BaseDistribution]:
        return self.sampler.infer_relative_search_space(self._whole(study), trial)

    def sample_relative(
        self, study: Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        return self.sampler.sample_relative(self._whole(study), trial, search_space)

    def sample_independent(
        self,
        study: Study,
        trial: FrozenTrial,
        param_name: str,
        param_distribution: BaseDistribution,
    ) -> Any:
        whole = self._whole(study)
        return self.sampler.sample_independent(whole, trial, param_name, param_distribution)

    def before_trial(self, study: Study, trial: FrozenTrial) -> None:
        self.sampler.before_trial(self._whole(study), trial)

    def after_trial(
        self,
        study: Study,
        trial: FrozenTrial,
        state: TrialState,
        values: Sequence[float] | None,
    ) -> None:
        self.sampler.after_trial(self._whole(study), trial, state, values)

    def _whole(self, study: Study) -> Study:
        """The study with all objectives; latencies are read once, for the trial of this sampler."""
        if study not in self._seen:
            whole = study.shown if isinstance(study, FirstObjective) else study
            has_several = len(whole.directions) > 1
            self._seen[study] = AllObjectives(whole) if has_several else whole
        return self._seen[study]


def _with(latencies: Latencies, trial: FrozenTrial) -> FrozenTrial:
    """The trial with the latencies of the machine that is compared, where they are known."""
    values = list(latencies.objectives_of(trial).values())
    if trial.values is None or values == trial.values:
        return trial
    seen = copy(trial)
    seen.values = values
    return seen
