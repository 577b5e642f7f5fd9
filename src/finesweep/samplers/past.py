"""Finished studies that a sampler learns from, and the prior that follows from them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from optuna import Study
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState

from finesweep.samplers.encoding import Array, Encoding
from finesweep.samplers.prior import Prior, fit_prior

MIN_TRIALS = 4
"""Finished trials that a study must have before others learn from it."""
FINISHED = (TrialState.COMPLETE, TrialState.PRUNED)
MAX_SPREAD = 5.0
"""Distance of the worst loss from the median, in distances of the best one."""


def trials_of(study: Study) -> list[FrozenTrial]:
    """The study's finished trials with a loss, lower is better: a maximised value is negated.

    A pruned trial's is its last report.
    """
    trials = []
    for trial in study.get_trials(deepcopy=True, states=FINISHED):
        loss = loss_of(trial, sign_of(study))
        if loss is not None:
            trial.values, trial.state = [loss], TrialState.COMPLETE
            trials.append(trial)
    return trials


def sign_of(study: Study) -> float:
    """What makes the study's values losses: -1 when they are maximised, else 1."""
    return -1.0 if study.direction == StudyDirection.MAXIMIZE else 1.0


def loss_of(trial: FrozenTrial, sign: float) -> float | None:
    """sign times the trial's value, or a pruned trial's last report; None when it is not finite."""
    value = trial.value if trial.state == TrialState.COMPLETE else _last_report(trial)
    return sign * value if value is not None and math.isfinite(value) else None


def prior_of(past: Sequence[Sequence[FrozenTrial]], encoding: Encoding) -> Prior | None:
    """The prior of these studies' trials; None when none has enough of them, or all are equal.

    The same trials give the same object: a sampler is made for each trial, a prior once a process.
    """
    tasks = [task for task in past if len(task) >= MIN_TRIALS]
    if not tasks:
        return None
    rows = [encoding.rows([(each.params, each.distributions) for each in task]) for task in tasks]
    if not np.ptp(np.concatenate(rows), axis=0).any():
        return None
    losses = [np.array([trial.value for trial in task], dtype=np.float64) for task in tasks]
    return _fitted(tuple(map(_frozen, rows)), tuple(map(_frozen, losses)))


def clipped(losses: Array) -> Array:
    """Losses whose outliers are brought near: a trial that diverged must not set the scale."""
    if len(losses) < MIN_TRIALS:
        return losses
    median = float(np.median(losses))
    return np.asarray(np.minimum(losses, median + MAX_SPREAD * (median - losses.min())))


Frozen = tuple[bytes, tuple[int, ...]]


def _frozen(array: Array) -> Frozen:
    return array.tobytes(), array.shape


@lru_cache(maxsize=8)
def _fitted(rows: tuple[Frozen, ...], losses: tuple[Frozen, ...]) -> Prior:
    return fit_prior(list(map(_thawed, rows)), [clipped(each) for each in map(_thawed, losses)])


def _thawed(frozen: Frozen) -> Array:
    return np.frombuffer(frozen[0]).reshape(frozen[1])


def _last_report(trial: FrozenTrial) -> float | None:
    reports = trial.intermediate_values
    return reports[max(reports)] if reports else None
