"""The finished studies of this storage that a sweep's sampler learns from.

They are chosen once, when the study is created, so that all its workers and restarts learn from the
same ones.
"""

from __future__ import annotations

from typing import Any

import optuna
from optuna import Study
from optuna.storages import BaseStorage
from optuna.trial import FrozenTrial, TrialState

from finesweep.config import SweepPlan
from finesweep.errors import ConfigError, Problem, nearest
from finesweep.sweep.study.keys import DEFINITION, PAST_STUDIES, is_confirmation
from finesweep.sweep.study.objectives.first_objective import load_by_first
from finesweep.sweep.study.optuna_private import storage_of

MAX_STUDIES = 10
"""Studies that `sweep.learn_from=auto` learns from: the newest ones."""


def chosen_studies(plan: SweepPlan, storage: BaseStorage) -> list[str]:
    """Names of the studies that the plan's sampler is to learn from.

    ConfigError for a name without a study, or whose study has another objective.
    """
    setting = plan.settings.learn_from
    if setting is None:
        return []
    metrics = _metrics(storage)
    if setting == "auto":
        own = [name for name, metric in metrics.items() if metric == plan.settings.metric]
        others = [name for name in own if name != plan.study_name]
        return [name for name in others if _has_trials(name, storage)][-MAX_STUDIES:]
    problems = [_problem(name, plan, metrics) for name in setting]
    if found := [problem for problem in problems if problem is not None]:
        raise ConfigError(*found)
    return list(setting)


def past_trials(study: Study) -> list[list[FrozenTrial]]:
    """The finished trials of each study that this one learns from, but one deleted since."""
    names = study.user_attrs.get(PAST_STUDIES)
    if not names:
        return []
    from finesweep.samplers.past import trials_of  # loads scikit-learn

    storage = storage_of(study)
    present = set(optuna.get_all_study_names(storage))
    return [trials_of(load_by_first(name, storage)) for name in names if name in present]


def _metrics(storage: BaseStorage) -> dict[str, str]:
    """Study → metric, oldest first, of the sweeps in the storage without their confirmations."""
    summaries = optuna.get_all_study_summaries(storage, include_best_trial=False)
    return {
        each.study_name: each.user_attrs[DEFINITION]["sweep.metric"]
        for each in summaries
        if DEFINITION in each.user_attrs and not is_confirmation(each.study_name)
    }


def _has_trials(name: str, storage: BaseStorage) -> bool:
    from finesweep.samplers.past import MIN_TRIALS  # loads scikit-learn

    study = load_by_first(name, storage)
    return len(study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))) >= MIN_TRIALS


def _problem(name: Any, plan: SweepPlan, metrics: dict[str, str]) -> Problem | None:
    if name not in metrics:
        hint = nearest(str(name), list(metrics)) if metrics else "none has been run here yet"
        return Problem("sweep.learn_from", f"no study {name!r} in this storage; {hint}")
    if metrics[name] != plan.settings.metric:
        message = f"study {name!r} has {metrics[name]} as its metric, not {plan.settings.metric}"
        return Problem("sweep.learn_from", message)
    return None
