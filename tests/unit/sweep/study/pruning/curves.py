"""Trials of made learning curves, as workers run them: in slots, killed and resumed."""

from __future__ import annotations

from collections.abc import Sequence

import optuna
from optuna import Study
from optuna.pruners import BasePruner
from optuna.trial import TrialState

from finesweep.sweep.study.keys import ATTEMPT, FAILURE, MODEL, RETRY, SLOT, TOTAL
from finesweep.sweep.study.pruner import PerModelPruner

EPOCH = 100
"""Training examples between two evaluations."""


def study_of(pruner: BasePruner, *, direction: str = "minimize", name: str = "curves") -> Study:
    """A study in memory whose trials the pruner sees as in a sweep."""
    return optuna.create_study(study_name=name, direction=direction, pruner=PerModelPruner(pruner))


def run(
    study: Study,
    values: Sequence[float],
    *,
    slot: int,
    model: str = "bert",
    total: int | None = None,
    killed_after: int | None = None,
    resumed_from: int = 0,
) -> int | None:
    """The number of evaluations after which the slot's trial is pruned; None when it is not.

    total is the number of evaluations in its schedule. It is killed after so many evaluations, to
    be tried again, or goes on after the evaluations of an earlier attempt's checkpoint.
    """
    trial = study.ask()
    for name, value in {
        SLOT: slot,
        ATTEMPT: 1,
        MODEL: model,
        TOTAL: EPOCH * (total or len(values)),
    }.items():
        trial.set_user_attr(name, value)
    for k, value in enumerate(values, start=1):
        trial.report(value, EPOCH * k)
        if k > resumed_from and trial.should_prune():
            study.tell(trial, state=TrialState.PRUNED)
            return k
        if k == killed_after:
            trial.set_user_attr(RETRY, True)
            trial.set_user_attr(FAILURE, "infrastructure")
            study.tell(trial, state=TrialState.FAIL)
            return None
    study.tell(trial, values[-1])
    return None
