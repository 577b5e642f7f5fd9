"""An Optuna sampler that starts from what finished studies have learned."""

from __future__ import annotations

import warnings
from collections.abc import Collection, Sequence
from typing import Any

import numpy as np
from optuna import Study
from optuna.distributions import BaseDistribution
from optuna.exceptions import ExperimentalWarning
from optuna.samplers import BaseSampler, TPESampler
from optuna.trial import FrozenTrial, TrialState

from finesweep.samplers.branches import Branch, branches_of, whole_space
from finesweep.samplers.encoding import Encoding, encoding_of, field_of
from finesweep.samplers.packaged import packaged_tasks
from finesweep.samplers.past import FINISHED, prior_of, sign_of, trials_of
from finesweep.samplers.proposal import known_from, propose


class TransferSampler(BaseSampler):
    """Gaussian process with a prior from finished studies, and expected improvement.

    The study's trials are modelled as the past studies' common pattern, plus a deviation of this
    study, on a scale of its own (see posterior.py); what past studies say counts less the more this
    study contradicts it. Trials under way are taken into account, a pruned trial counts with its
    last report, a maximised value is negated. Where past studies share no parameter with this one,
    there is nothing to transfer and Optuna's TPESampler samples.

    Sources: Swersky, Snoek and Adams 2013 (multi-task Bayesian optimisation); Feurer, Letham and
    Bakshy 2018 (weighing past studies by how well they agree); Jones, Schonlau and Welch 1998
    (expected improvement).
    """

    def __init__(
        self,
        past: Sequence[Study | Sequence[FrozenTrial]] = (),
        *,
        without: Collection[str] = (),
        search_space: Sequence[Branch] | None = None,
        n_candidates: int = 512,
        seed: int | None = None,
    ) -> None:
        """past: finished studies to learn from, or their trials with losses as values (lower is
        better), besides the table that comes with finesweep. without: names of data sets in that
        table to leave out, `all` for the whole table. search_space: the branches of the space;
        None takes those that the study's finished trials show, so that its first trial is random.
        n_candidates: settings whose expected improvement is compared. seed: of the random draws.
        """
        own = [trials_of(each) if isinstance(each, Study) else list(each) for each in past]
        self.past = [*packaged_tasks(without), *own]
        self.search_space = search_space
        self.n_candidates = n_candidates
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ExperimentalWarning)  # of group, which is Optuna's own
            self._tpe = TPESampler(seed=seed, multivariate=True, group=True)
        self._generator = np.random.default_rng(seed)

    def reseed_rng(self) -> None:
        self._generator = np.random.default_rng()
        self._tpe.reseed_rng()

    def infer_relative_search_space(
        self, study: Study, trial: FrozenTrial
    ) -> dict[str, BaseDistribution]:
        _refuse_several_objectives(study)
        space = whole_space(self._branches(study))
        if not self._transfers(space):
            return self._tpe.infer_relative_search_space(study, trial)
        return {name: each for name, each in space.items() if not each.single()}

    def sample_relative(
        self, study: Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        _refuse_several_objectives(study)
        if not search_space:
            return {}
        if not self._transfers(search_space):
            return self._tpe.sample_relative(study, trial, search_space)
        branches = self._branches(study)
        if not search_space.keys() <= whole_space(branches).keys():
            branches = [Branch(search_space)]
        fixed = trial.system_attrs.get("fixed_params", {})
        own = [branch for each in branches if (branch := each.restricted(fixed)) is not None]
        encoding = self._encoding(branches)
        trials = [t for t in study.get_trials(deepcopy=False) if t.number != trial.number]
        known = known_from(trials, sign_of(study), encoding, prior_of(self.past, encoding))
        params = propose(known, own or branches, self.n_candidates, self._generator)
        return {name: value for name, value in params.items() if name in search_space}

    def sample_independent(
        self,
        study: Study,
        trial: FrozenTrial,
        param_name: str,
        param_distribution: BaseDistribution,
    ) -> Any:
        _refuse_several_objectives(study)
        return self._tpe.sample_independent(study, trial, param_name, param_distribution)

    def before_trial(self, study: Study, trial: FrozenTrial) -> None:
        self._tpe.before_trial(study, trial)

    def after_trial(
        self,
        study: Study,
        trial: FrozenTrial,
        state: TrialState,
        values: Sequence[float] | None,
    ) -> None:
        self._tpe.after_trial(study, trial, state, values)

    def _branches(self, study: Study) -> Sequence[Branch]:
        if self.search_space is not None:
            return self.search_space
        return branches_of(study.get_trials(deepcopy=False, states=FINISHED))

    def _transfers(self, space: dict[str, BaseDistribution]) -> bool:
        """Whether past studies have a parameter of this space."""
        known = {field_of(n) for task in self.past for trial in task for n in trial.params}
        return any(field_of(name) in known for name in space)

    def _encoding(self, branches: Sequence[Branch]) -> Encoding:
        """Columns for the trials of past studies and of these branches."""
        spaces = [trial.distributions for task in self.past for trial in task]
        return encoding_of([*spaces, *(branch.space for branch in branches)])


def _refuse_several_objectives(study: Study) -> None:
    if len(study.directions) > 1:
        raise ValueError("TransferSampler takes studies with one objective")
