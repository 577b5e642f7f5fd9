"""A trial is pruned against trials of its own model only."""

from __future__ import annotations

from pathlib import Path

import optuna
import pytest
from optuna import Study
from optuna.pruners import MedianPruner
from optuna.trial import TrialState

from finesweep.sweep.study.keys import MODEL, TOTAL
from finesweep.sweep.study.pruner import PerModelPruner, SharePruner


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


def shares(*, n_warmup_percent: int = 0) -> Study:
    pruner = SharePruner(n_startup_trials=2, n_warmup_percent=n_warmup_percent)
    return optuna.create_study(pruner=PerModelPruner(pruner))


def pruned_by_share(study: Study, values: list[float], *, per_epoch: int = 100) -> int | None:
    """The step at which a trial is pruned whose values are of even steps; None when it ends."""
    trial = study.ask()
    trial.set_user_attr(MODEL, "bert")
    trial.set_user_attr(TOTAL, per_epoch * len(values))
    for k, value in enumerate(values, start=1):
        trial.report(value, k * per_epoch)
        if trial.should_prune():
            study.tell(trial, state=TrialState.PRUNED)
            return k * per_epoch
    study.tell(trial, min(values))
    return None


def test_a_long_trial_is_compared_with_short_ones_at_the_same_share_of_its_schedule() -> None:
    study = shares()
    for _ in range(2):
        assert pruned_by_share(study, [0.6, 0.2], per_epoch=50) is None  # 100 examples
    # After 50 and 100 examples it is worse than they were, at its half and its end no longer.
    assert pruned_by_share(study, [0.9, 0.6, 0.3, 0.2], per_epoch=50) is None
    # Between their evaluations, at three quarters, theirs lie on a line: 0.4.
    assert pruned_by_share(study, [0.9, 0.6, 0.41, 0.1], per_epoch=50) == 150
    assert pruned_by_share(study, [0.9, 0.61, 0.1, 0.1], per_epoch=50) == 100


def test_others_are_interpolated_but_never_beyond_their_evaluations() -> None:
    study = shares()
    for _ in range(2):
        pruned_by_share(study, [0.6, 0.2])
    assert pruned_by_share(study, [9.0, 0.5, 0.5, 0.5]) == 300  # 0.4 by then; no value at a quarter


def test_no_trial_is_pruned_before_the_warm_up_share_of_its_own_schedule() -> None:
    study = shares(n_warmup_percent=50)
    for _ in range(2):
        pruned_by_share(study, [0.4, 0.3, 0.2, 0.1])
    assert pruned_by_share(study, [0.9] * 4) == 200
    assert pruned_by_share(study, [0.9] * 12) == 600


def test_the_percentile_says_how_many_are_kept() -> None:
    kept = {}
    for percentile in (25.0, 75.0):
        pruner = SharePruner(percentile, n_startup_trials=5, n_warmup_percent=0)
        study = optuna.create_study(pruner=PerModelPruner(pruner))
        for value in (0.1, 0.2, 0.3, 0.4, 0.5):
            assert pruned_by_share(study, [value, value]) is None
        kept[percentile] = pruned_by_share(study, [0.35, 0.35]) is None
    assert kept == {25.0: False, 75.0: True}


def test_trials_without_a_known_schedule_are_neither_pruned_nor_compared() -> None:
    study = shares()
    for _ in range(3):
        assert pruned_at(study, "bert", [0.1, 0.1]) is None
    assert pruned_by_share(study, [0.9, 0.9]) is None
    assert pruned_at(study, "bert", [0.9]) is None
