"""TransferSampler: Optuna's own contract for samplers, and what it learns from past studies."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import optuna
import pytest
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.samplers import BaseSampler, RandomSampler, TPESampler
from optuna.testing.pytest_samplers import (
    BasicSamplerTestCase,
    RelativeSamplerTestCase,
    SingleOnlySamplerTestCase,
)
from optuna.trial import FrozenTrial, TrialState, create_trial
from tests.unit.samplers.conftest import DEPTHS, MODEL, RATE, loss, suggest, task

from finesweep.samplers import Branch, TransferSampler

pytestmark = pytest.mark.slow

BRANCHES = [
    Branch({"model": MODEL, "rate": RATE, f"depth|model={model}": depth}, {"model": (model,)})
    for model, depth in DEPTHS.items()
]


PAGE = Path(__file__).parents[3] / "docs" / "search.md"


def study_with(sampler: BaseSampler, direction: str = "minimize") -> optuna.Study:
    return optuna.create_study(sampler=sampler, direction=direction)


class TestWithNothingToLearnFrom(BasicSamplerTestCase, SingleOnlySamplerTestCase):
    """Optuna's contract where no past study has a parameter of the space.

    Without the relative part: TPE, which samples then, first draws ten trials independently.
    """

    @pytest.fixture
    def sampler(self) -> Callable[[], BaseSampler]:
        return lambda: TransferSampler(seed=0)


class TestWithPastStudies(BasicSamplerTestCase, RelativeSamplerTestCase, SingleOnlySamplerTestCase):
    """Optuna's contract where past studies have the parameters of its test studies."""

    @pytest.fixture
    def sampler(self) -> Callable[[], BaseSampler]:
        space = {name: FloatDistribution(-1.0, 1.0) for name in "xyzabc"}
        trials = [
            create_trial(params=dict.fromkeys(space, at), distributions=space, value=at * at)
            for at in (-1.0, -0.5, 0.0, 0.5, 1.0)
        ]
        return lambda: TransferSampler([trials], without=["all"], n_candidates=16, seed=0)


def test_the_first_trial_is_already_good_with_past_studies(past: list[list[FrozenTrial]]) -> None:
    sampler = TransferSampler(past, without=["all"], search_space=BRANCHES, seed=0)
    study = study_with(sampler)

    study.optimize(lambda trial: loss(suggest(trial)), n_trials=3)

    assert study.trials[0].value < 0.4  # a random one is above 0.6 in the mean
    assert study.best_value < 0.35


@pytest.mark.parametrize("rates", [(1e-3,), (1e-5, 1e-4, 1e-3, 1e-2, "auto")], ids=str)
def test_a_study_with_other_values_of_a_number_hides_nothing_that_others_say_of_it(
    rates: tuple[Any, ...], past: list[list[FrozenTrial]]
) -> None:
    other = [
        create_trial(
            params=(params := {**each.params, "rate": 1e-3}),
            distributions={**each.distributions, "rate": CategoricalDistribution(rates)},
            value=loss(params),
        )
        for each in past[0]
    ]
    sampler = TransferSampler([*past, other], without=["all"], search_space=BRANCHES, seed=0)
    study = study_with(sampler)

    study.optimize(lambda trial: loss(suggest(trial)), n_trials=3)

    assert all(3e-4 < trial.params["rate"] < 3e-3 for trial in study.trials)


def test_a_study_unlike_the_past_ones_is_searched_all_the_same(
    past: list[list[FrozenTrial]],
) -> None:
    def unlike(trial: optuna.Trial) -> float:
        return loss(suggest(trial), best_rate=1e-5)

    sampler = TransferSampler(past, without=["all"], search_space=BRANCHES, seed=0)
    study = study_with(sampler)
    study.optimize(unlike, n_trials=15)

    assert study.best_params["rate"] < 3e-5
    assert study.best_value < 0.4


def test_a_maximised_study_learns_from_a_maximised_one(
    objective: Callable[[optuna.Trial], float],
) -> None:
    first = study_with(RandomSampler(seed=0), "maximize")
    first.optimize(lambda trial: -objective(trial), n_trials=30)
    sampler = TransferSampler([first], without=["all"], search_space=BRANCHES, seed=0)
    second = study_with(sampler, "maximize")
    second.optimize(lambda trial: -objective(trial), n_trials=2)

    assert second.trials[0].value > -0.45


def test_trials_under_way_are_not_repeated(past: list[list[FrozenTrial]]) -> None:
    sampler = TransferSampler(past, without=["all"], search_space=BRANCHES, seed=0)
    study = study_with(sampler)
    settings = [suggest(study.ask()) for _ in range(4)]

    places = [
        (each["model"], round(math.log10(each["rate"]), 1), *list(each.values())[2:])
        for each in settings
    ]
    assert len(set(places)) >= 3  # without them, all four are nearly the same


def test_the_same_seed_gives_the_same_trials(past: list[list[FrozenTrial]]) -> None:
    def first_trials() -> list[dict[str, object]]:
        sampler = TransferSampler(past, without=["all"], search_space=BRANCHES, seed=7)
        study = study_with(sampler)
        study.optimize(lambda trial: loss(suggest(trial)), n_trials=4)
        return [trial.params for trial in study.trials]

    assert first_trials() == first_trials()


def test_enqueued_values_are_kept_and_the_rest_is_chosen_with_them(
    past: list[list[FrozenTrial]],
) -> None:
    sampler = TransferSampler(past, without=["all"], search_space=BRANCHES, seed=0)
    study = study_with(sampler)
    study.enqueue_trial({"model": "small"})
    study.optimize(lambda trial: loss(suggest(trial)), n_trials=1)

    (trial,) = study.trials
    assert trial.params["model"] == "small"
    assert trial.params["depth|model=small"] == 0
    assert 3e-4 < trial.params["rate"] < 3e-3


def test_a_pruned_trial_counts_with_its_last_report(past: list[list[FrozenTrial]]) -> None:
    def pruned_when_large(trial: optuna.Trial) -> float:
        params = suggest(trial)
        if params["model"] == "large":
            trial.report(1.0, step=1)
            raise optuna.TrialPruned
        return loss(params)

    sampler = TransferSampler(past, without=["all"], search_space=BRANCHES, seed=0)
    study = study_with(sampler)
    study.optimize(pruned_when_large, n_trials=8)

    models = [trial.params["model"] for trial in study.trials]
    assert models[0] == "large"  # as past studies say
    assert models.count("large") <= 2


def test_without_shared_parameters_trials_are_those_of_optunas_tpe() -> None:
    def trials_by(sampler: BaseSampler) -> list[dict[str, object]]:
        study = study_with(sampler)
        study.optimize(lambda trial: trial.suggest_float("other", 0, 1) ** 2, n_trials=14)
        return [trial.params for trial in study.trials]

    tpe = TPESampler(seed=3, multivariate=True, group=True)
    assert trials_by(TransferSampler(seed=3)) == trials_by(tpe)


def test_a_data_set_that_the_table_lacks_is_refused() -> None:
    with pytest.raises(ValueError, match=r"no past trials of \['mine'\]; there are \['amazon', "):
        TransferSampler(without=["mine"])


def test_the_space_is_that_of_finished_trials_when_none_is_given() -> None:
    sampler = TransferSampler([task(0)], without=["all"], seed=0)
    study = study_with(sampler)
    study.optimize(lambda trial: loss(suggest(trial)), n_trials=8)

    assert {trial.state for trial in study.trials} == {TrialState.COMPLETE}
    space = sampler.infer_relative_search_space(study, study.trials[0])
    assert space["model"] == CategoricalDistribution(("large", "small"))
    assert space["rate"] == RATE
    assert {"depth|model=large", "depth|model=small"} >= space.keys() - {"model", "rate"}
    assert all(isinstance(space[name], IntDistribution) for name in space if "depth" in name)


def test_the_page_on_search_shows_a_study_that_runs() -> None:
    (shown,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.S)
    names: dict[str, Any] = {}
    exec(shown, names)

    assert [trial.state for trial in names["study"].trials] == [TrialState.COMPLETE] * 3
