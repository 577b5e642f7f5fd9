"""Which settings decided a model's results: PED-ANOVA over its complete trials."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Sequence
from math import ceil, isfinite

import optuna
from optuna.importance import PedAnovaImportanceEvaluator, get_param_importances
from optuna.trial import FrozenTrial, TrialState, create_trial

from finesweep.config import plain_path
from finesweep.records import Direction
from finesweep.report.records import Importance
from finesweep.sweep.study.keys import MODEL
from finesweep.sweep.study.ranking import complete

MIN_TRIALS, MIN_BEST = 8, 3
"""Finished trials of a model, and best among them, below which nothing is computed."""
RELIABLE_TRIALS = 30
"""Finished trials of a model below which the shares change much from trial to trial."""
BEST_SHARE, USUAL_BEST = 0.1, 5
"""Optuna's own default is the best tenth, and it advises at least five trials in it."""


def importances_of(
    trials: Iterable[FrozenTrial], models: Sequence[str], direction: Direction
) -> list[Importance]:
    """The importances within each model: settings of two models are never mixed."""
    finished = [
        trial
        for trial in trials
        if trial.state in (TrialState.COMPLETE, TrialState.PRUNED) and _has_value(trial)
    ]
    of_model = {
        model: [trial for trial in finished if trial.user_attrs.get(MODEL) == model]
        for model in models
    }
    return [_importance(model, own, direction) for model, own in of_model.items()]


def _importance(model: str, trials: Sequence[FrozenTrial], direction: Direction) -> Importance:
    """PED-ANOVA (Watanabe et al. 2023): how much the distribution of each setting among the best
    trials differs from that among all.

    Only which trials are the best counts, not their values, so pruned ones take part: as worse than
    any complete one.
    """
    n_trials, n_complete = len(trials), len(complete(trials))
    n_best = min(max(USUAL_BEST, ceil(BEST_SHARE * n_trials)), n_complete, n_trials // 2)
    names = _varied(trials)
    if n_trials < MIN_TRIALS or n_best < MIN_BEST or not names:
        return Importance(model, n_trials, max(0, n_best), {})
    study = optuna.create_study(direction=direction)
    study.add_trials(_pruned_as_worst(trials, direction))
    # Optuna rounds the share up to a number of trials.
    evaluator = PedAnovaImportanceEvaluator(target_quantile=(n_best - 0.5) / n_trials)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about few trials, which the report says in its own words
        shares = get_param_importances(study, evaluator=evaluator, params=names)
    by_path: dict[str, float] = {}
    for name, share in shares.items():
        by_path[plain_path(name)] = by_path.get(plain_path(name), 0.0) + share
    return Importance(model, n_trials, n_best, by_path)


def _pruned_as_worst(trials: Sequence[FrozenTrial], direction: Direction) -> list[FrozenTrial]:
    """All as complete trials, the pruned ones with a value beyond the worst complete one's."""
    values = [float(trial.value or 0.0) for trial in complete(trials)]
    worst = max(values) + 1 if direction == "minimize" else min(values) - 1
    return [
        create_trial(
            value=trial.value if trial.state == TrialState.COMPLETE else worst,
            params=trial.params,
            distributions=trial.distributions,
        )
        for trial in trials
    ]


def _varied(trials: Sequence[FrozenTrial]) -> list[str]:
    """Names of the params that have more than one value among these trials."""
    values: dict[str, set[str]] = {}
    for trial in trials:
        for name, value in trial.params.items():
            values.setdefault(name, set()).add(repr(value))
    return sorted(name for name, different in values.items() if len(different) > 1)


def _has_value(trial: FrozenTrial) -> bool:
    return trial.value is not None and isfinite(trial.value)
