"""Optuna holds every value; the sweep reports, prunes and ranks by the first objective."""

from __future__ import annotations

import optuna
import pytest
from optuna import Study
from optuna.pruners import MedianPruner
from optuna.study import StudyDirection
from optuna.trial import TrialState

from finesweep.sweep.study.keys import OBJECTIVES
from finesweep.sweep.study.objectives.first_objective import by_first_objective, name_objectives
from finesweep.sweep.study.optuna_private import trial_now
from finesweep.sweep.study.pruner import PerModelPruner, SharePruner
from finesweep.sweep.study.ranking import direction_of, ranked

pytestmark = pytest.mark.slow


def whole() -> Study:
    return optuna.create_study(directions=["maximize", "minimize"])


def end(study: Study, f1: float, ms: float) -> None:
    trial = study.ask()
    trial.set_user_attr(OBJECTIVES, {"f1": f1, "ms": ms})
    study.tell(trial.number, f1, TrialState.COMPLETE)


def test_the_storage_has_all_values_and_the_sweep_sees_the_first() -> None:
    study = by_first_objective(held := whole())
    for f1, ms in ((0.7, 9.0), (0.9, 20.0), (0.8, 30.0)):
        end(study, f1, ms)
    assert [trial.values for trial in held.trials] == [[0.7, 9.0], [0.9, 20.0], [0.8, 30.0]]
    assert [trial.number for trial in held.best_trials] == [0, 1]
    assert direction_of(study) == "maximize"
    assert [trial.value for trial in ranked(study.trials, "maximize")] == [0.9, 0.8, 0.7]
    assert trial_now(study, 1).value == 0.9


@pytest.mark.parametrize("pruner", [MedianPruner(n_startup_trials=1), SharePruner(50, 1, 0)])
def test_it_prunes_on_the_first_objective_as_with_one(pruner: optuna.pruners.BasePruner) -> None:
    several, one = by_first_objective(whole()), optuna.create_study(direction="maximize")
    decisions = []
    for study in (several, one):
        study.pruner = PerModelPruner(pruner)
        end(study, 0.8, 1.0)
        decisions.append([])
        for value in (0.9, 0.5):
            trial = study.ask()
            for attribute in ("model", "total"):
                trial.set_user_attr(attribute, {"total": 10}.get(attribute, "m"))
            trial.report(value, 5)
            decisions[-1].append(trial.should_prune())
            study.tell(trial.number, None, TrialState.PRUNED)
    assert decisions[0] == decisions[1]


def test_a_pruned_trial_has_its_last_report_and_none_of_the_other_objectives() -> None:
    study = by_first_objective(held := whole())
    trial = study.ask()
    trial.report(0.4, 1)
    trial.report(0.6, 2)
    told = study.tell(trial.number, None, TrialState.PRUNED)
    assert (held.trials[0].values, study.trials[0].value, told.value) == (None, 0.6, 0.6)


def test_one_objective_is_the_study_itself() -> None:
    assert by_first_objective(study := optuna.create_study()) is study


def test_optunas_own_tools_read_the_names() -> None:
    name_objectives(study := whole(), ["validation/f1", "latency_ms/one_p50"])
    assert study.metric_names == ["validation/f1", "latency_ms/one_p50"]
    assert study.directions == [StudyDirection.MAXIMIZE, StudyDirection.MINIMIZE]
