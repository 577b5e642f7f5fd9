"""Finished studies that a sampler learns from."""

from __future__ import annotations

import numpy as np
import optuna
from optuna.trial import FrozenTrial

from finesweep.samplers.encoding import encoding_of
from finesweep.samplers.past import clipped, prior_of, trials_of


def test_finished_trials_have_losses_and_pruned_ones_their_last_report() -> None:
    study = optuna.create_study(direction="maximize")

    def objective(trial: optuna.Trial) -> float:
        trial.suggest_float("x", 0, 1)
        if trial.number == 1:
            trial.report(0.2, 1)
            trial.report(0.4, 2)
            raise optuna.TrialPruned
        if trial.number == 2:
            raise optuna.TrialPruned
        if trial.number == 3:
            return float("inf")
        return 0.9

    study.optimize(objective, n_trials=4)

    assert [(trial.number, trial.value) for trial in trials_of(study)] == [(0, -0.9), (1, -0.4)]


def test_a_study_of_few_trials_is_not_learned_from(past: list[list[FrozenTrial]]) -> None:
    encoding = encoding_of(trial.distributions for trial in past[0])
    assert prior_of([past[0][:3]], encoding) is None


def test_equal_trials_say_nothing(past: list[list[FrozenTrial]]) -> None:
    encoding = encoding_of(trial.distributions for trial in past[0])
    assert prior_of([past[0][:1] * 5], encoding) is None


def test_the_same_trials_are_fitted_once(past: list[list[FrozenTrial]]) -> None:
    encoding = encoding_of(trial.distributions for trial in past[0])
    first = prior_of([past[0], past[0][:3]], encoding)
    assert first is not None
    assert prior_of([past[0]], encoding) is first


def test_a_diverged_trial_does_not_set_the_scale() -> None:
    losses = np.array([0.5, 0.6, 0.7, 1e6])
    np.testing.assert_allclose(clipped(losses), [0.5, 0.6, 0.7, 0.65 + 5 * 0.15])
