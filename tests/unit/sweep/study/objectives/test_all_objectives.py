"""A sampler sees every objective, among pruned trials too, with latencies of one machine."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from statistics import fmean

import optuna
import pytest
from optuna import Study
from optuna.samplers import BaseSampler, NSGAIISampler, RandomSampler, TPESampler
from optuna.trial import TrialState

from finesweep.sweep.study.keys import LATENCY_KEY, LATENCY_MACHINE, OBJECTIVES
from finesweep.sweep.study.objectives.all_objectives import AllObjectives, SeesAllObjectives
from finesweep.sweep.study.objectives.first_objective import by_first_objective
from finesweep.sweep.study.objectives.latencies import entry

pytestmark = pytest.mark.slow
NAMES = ("a", "b", "c", "d")
LOSS, MS = "validation/loss", "latency_ms/one_p50"


def tpe() -> BaseSampler:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return TPESampler(
            multivariate=True, group=True, constant_liar=True, n_startup_trials=8, seed=0
        )


def searched(sampler: BaseSampler, *, cost: float, n_trials: int) -> Study:
    """Loss is least where all are 0.8; latency is least at 0 and costs as much as given. Each third
    trial is pruned."""
    study = by_first_objective(optuna.create_study(directions=["minimize", "minimize"]))
    study.sampler = RandomSampler(seed=0)
    for number in range(n_trials):
        if number == 12:
            study.sampler = SeesAllObjectives(sampler)
        trial = study.ask()
        x = [trial.suggest_float(name, 0, 1) for name in NAMES]
        loss = fmean(abs(each - 0.8) for each in x)
        trial.report(loss, 1)
        if number % 3 == 2:
            study.tell(trial.number, None, TrialState.PRUNED)
            continue
        trial.set_user_attr(OBJECTIVES, {LOSS: loss, MS: cost * fmean(x)})
        study.tell(trial.number, loss, TrialState.COMPLETE)
    return study


@pytest.mark.parametrize(
    ("sampler", "n_trials"),
    [(tpe, 60), (lambda: NSGAIISampler(seed=0, population_size=8), 120)],
    ids=["tpe", "nsga"],
)
def test_a_sampler_searches_where_the_other_objective_is_good_too(
    sampler: Callable[[], BaseSampler], n_trials: int
) -> None:
    """Optuna's own TPE raises here once trials are pruned."""

    def place(study: Study) -> float:
        return fmean(x for trial in study.trials[n_trials // 2 :] for x in trial.params.values())

    by_both, by_loss = (
        place(searched(sampler(), cost=cost, n_trials=n_trials)) for cost in (1.0, 0.0)
    )
    assert by_both < by_loss - 0.1


def test_a_sampler_that_takes_one_objective_refuses() -> None:
    study = by_first_objective(optuna.create_study(directions=["minimize", "minimize"]))
    study.sampler = SeesAllObjectives(optuna.samplers.CmaEsSampler())
    with pytest.raises(ValueError, match="multi-objective"):
        study.ask().suggest_float("x", 0, 1)


def test_latencies_are_those_of_the_compared_machine() -> None:
    held = optuna.create_study(directions=["minimize", "minimize"])
    study = by_first_objective(held)
    for latency, key in ((5.0, "a"), (9.0, "b")):
        trial = study.ask()
        trial.set_user_attr(OBJECTIVES, {LOSS: 0.5, MS: latency})
        trial.set_user_attr(LATENCY_KEY, key)
        study.tell(trial.number, 0.5, TrialState.COMPLETE)
    held.set_user_attr(LATENCY_MACHINE, "here")
    held.set_user_attr(*entry("b", "here", {MS: 3.0}))
    held.set_user_attr(*entry("a", "there", {MS: 1.0}))
    assert [trial.values for trial in AllObjectives(held).trials] == [[0.5, 5.0], [0.5, 3.0]]
