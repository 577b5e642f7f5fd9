"""The share of a search that its pruner is expected to leave, from made learning curves."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import optuna
from optuna.trial import TrialState

from finesweep.config import SweepPlan
from finesweep.report.plan.draws import Draw
from finesweep.sweep.rehearsal import silent_optuna
from finesweep.sweep.study.keys import MODEL, TOTAL
from finesweep.sweep.study.pruner import pruner_of
from finesweep.training import run_schedule

MAX_TRIALS = 40
"""Of a longer search; its later trials would be pruned as often."""
N_TRIALS = 400
"""Made trials of each extreme, in as many searches as they fill."""
RANGE = (0.1, 0.9)
"""Quantiles over searches."""


def share_trained(
    plan: SweepPlan, draws: Sequence[Draw], n_trials: int, *, train_rows: int
) -> tuple[float, float]:
    """(low, high) share of n_trials' steps that the pruner leaves, in [0, 1]; (1, 1) without one.

    The sweep's own pruner sees curves of two extremes: a trial keeps its place among the others at
    every evaluation, or has a new one at each. Real trials are in between; eight of ten made
    searches lie in the range.
    """
    if plan.settings.pruner is None:
        return 1.0, 1.0
    rng, n_trials = np.random.default_rng(0), min(n_trials, MAX_TRIALS)
    with silent_optuna():
        shares = [
            _share(plan, draws, n_trials, train_rows, is_lasting=is_lasting, rng=rng)
            for is_lasting in (False, True)
            for _ in range(max(5, N_TRIALS // n_trials))
        ]
    low, high = np.quantile(shares, RANGE)
    return float(low), float(high)


def _share(
    plan: SweepPlan,
    draws: Sequence[Draw],
    n_trials: int,
    train_rows: int,
    *,
    is_lasting: bool,
    rng: np.random.Generator,
) -> float:
    """The share in one search; is_lasting: whether a trial keeps its place."""
    left, whole, sign = 0, 0, -1 if plan.direction == "maximize" else 1
    study = optuna.create_study(direction=plan.direction, pruner=pruner_of(plan))
    for _ in range(n_trials):
        draw = draws[int(rng.integers(len(draws)))]
        schedule = run_schedule(draw.config.training, train_rows)
        trial, quality, step = study.ask(), rng.normal(), 0
        trial.set_user_attr(MODEL, draw.model)
        trial.set_user_attr(TOTAL, schedule.total)
        for step in schedule.evaluation_steps:
            place = quality if is_lasting else rng.normal()
            # Losses fall, and by more than trials differ.
            trial.report(sign * (place - 10 * step / schedule.total), step)
            if trial.should_prune():
                study.tell(trial, state=TrialState.PRUNED)
                break
        else:
            study.tell(trial, sign * quality)
        left, whole = left + step, whole + schedule.total
    return left / whole
