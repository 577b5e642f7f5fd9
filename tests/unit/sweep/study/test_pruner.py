"""A trial is pruned against trials of its own model only."""

from __future__ import annotations

from pathlib import Path

import optuna
import pytest
from optuna import Study
from optuna.pruners import MedianPruner
from optuna.trial import TrialState

from finesweep.sweep.study.keys import MODEL
from finesweep.sweep.study.pruner import PerModelPruner


def study_with(*, direction: str = "minimize", n_startup_trials: int = 1) -> Study:
    pruner = PerModelPruner(MedianPruner(n_startup_trials=n_startup_trials))
    return optuna.create_study(direction=direction, pruner=pruner)


def pruned_at(study: Study, model: str, values: list[float]) -> int | None:
    """The step at which a trial that reports these values is pruned; None when it completes."""
    trial = study.ask()
    trial.set_user_attr(MODEL, model)
    for step, value in enumerate(values, start=1):
        trial.report(value, step)
        if trial.should_prune():
            study.tell(trial, state=TrialState.PRUNED)
            return step
    study.tell(trial, values[-1])
    return None


def test_a_bad_trial_is_pruned_against_its_own_model_only() -> None:
    study = study_with()
    assert pruned_at(study, "bert", [0.5, 0.4]) is None
    assert pruned_at(study, "distilbert", [0.9, 0.8]) is None
    assert pruned_at(study, "bert", [0.9, 0.8]) == 1
    assert pruned_at(study, "distilbert", [0.9, 0.85]) == 2


def test_startup_trials_are_counted_per_model() -> None:
    study = study_with(n_startup_trials=2)
    for _ in range(5):
        assert pruned_at(study, "bert", [0.1]) is None
    assert pruned_at(study, "distilbert", [0.5]) is None
    assert pruned_at(study, "distilbert", [0.9]) is None
    assert pruned_at(study, "distilbert", [0.91]) == 1


def test_a_score_that_is_maximised_is_pruned_when_it_is_low() -> None:
    study = study_with(direction="maximize")
    assert pruned_at(study, "bert", [0.7, 0.8]) is None
    assert pruned_at(study, "bert", [0.6, 0.9]) == 1
    assert pruned_at(study, "bert", [0.9, 0.9]) is None
    assert pruned_at(study, "distilbert", [0.1, 0.2]) is None


def test_a_wrapped_pruner_sees_the_same_from_a_database(tmp_path: Path) -> None:
    pruner = PerModelPruner(MedianPruner(n_startup_trials=1))
    study = optuna.create_study(storage=f"sqlite:///{tmp_path / 'optuna.db'}", pruner=pruner)
    assert pruned_at(study, "bert", [0.5]) is None
    assert pruned_at(study, "distilbert", [0.9]) is None
    assert pruned_at(study, "bert", [0.8]) == 1


@pytest.mark.parametrize("model", ["bert", "distilbert"])
def test_the_shown_study_is_the_same_but_for_the_other_models(model: str) -> None:
    study, seen = study_with(), []

    class Looking(MedianPruner):
        def prune(self, study: Study, trial: optuna.trial.FrozenTrial) -> bool:
            seen.append((study.direction.name, [t.user_attrs[MODEL] for t in study.trials]))
            return False

    study.pruner = PerModelPruner(Looking())
    for name in ("bert", "distilbert", "bert"):
        pruned_at(study, name, [1.0])
    seen.clear()
    pruned_at(study, model, [1.0])
    n_before = {"bert": 2, "distilbert": 1}[model]
    assert seen == [("MINIMIZE", [model] * (n_before + 1))]
