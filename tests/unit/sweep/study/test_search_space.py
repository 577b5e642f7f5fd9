"""Dimensions as Optuna distributions, what a trial is given of them, and what is refused."""

from __future__ import annotations

import re

import optuna
import pytest
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)
from optuna.samplers import RandomSampler
from optuna.trial import FrozenTrial
from tests.unit.sweep.conftest import PlanOf

from finesweep.config import Choice, Dimension, Interval, Range, SweepPlan
from finesweep.errors import ConfigError
from finesweep.records import Objective
from finesweep.sweep.study.sampling.samplers import sampler_for
from finesweep.sweep.study.search_space import (
    check,
    distribution,
    in_force,
    objective_of,
    optuna_params,
    suggest,
)

pytestmark = pytest.mark.slow  # each check composes every end under every model

TWO_MODELS = """
n_trials: 4
params:
  model: choice(minilm, distil_minilm)
"""


def drawn(plan: SweepPlan, n_trials: int = 30) -> list[tuple[FrozenTrial, dict[str, object]]]:
    """What Optuna keeps of so many random trials, and what each was given."""
    study = optuna.create_study(sampler=RandomSampler(seed=0))
    given = [suggest(study.ask(), plan) for _ in range(n_trials)]
    return list(zip(study.trials, given, strict=True))


@pytest.mark.parametrize(
    ("dimension", "expected"),
    [
        (Choice(("a", "b")), CategoricalDistribution(("a", "b"))),
        (Choice((16, 32, None)), CategoricalDistribution((16, 32, None))),
        (Interval(0.0, 0.1, log=False, integer=False), FloatDistribution(0.0, 0.1)),
        (Interval(1e-5, 1e-3, log=True, integer=False), FloatDistribution(1e-5, 1e-3, log=True)),
        (Interval(1, 9, log=False, integer=True), IntDistribution(1, 9)),
        (Interval(1, 9, log=True, integer=True), IntDistribution(1, 9, log=True)),
        (Range(2, 5, 1, log=False), IntDistribution(2, 4)),
        (Range(0, 13, 2, log=False), IntDistribution(0, 12, step=2)),
        (Range(0, 12, 2, log=False), IntDistribution(0, 10, step=2)),
        (Range(1, 9, 1, log=True), IntDistribution(1, 8, log=True)),
        (Range(0.0, 0.3, 0.1, log=False), FloatDistribution(0.0, 0.2, step=0.1)),
        (Range(1.0, 4.0, 1, log=True), FloatDistribution(1.0, 3.0, log=True)),
        (Range(0, 1, 0.25, log=False), FloatDistribution(0.0, 0.75, step=0.25)),
    ],
)
def test_a_dimension_has_the_values_that_hydra_would_try(
    dimension: Dimension, expected: BaseDistribution
) -> None:
    assert distribution(dimension) == expected


def test_a_range_never_reaches_its_stop() -> None:
    space = distribution(Range(0.0, 0.3, 0.1, log=False))
    study = optuna.create_study(sampler=RandomSampler(seed=0))
    values = {study.ask({"x": space}).params["x"] for _ in range(40)}
    assert values == {0.0, 0.1, 0.2}


def test_a_trial_of_the_demo_has_the_depths_of_its_own_model_only(demo: SweepPlan) -> None:
    depths: dict[object, set[object]] = {"minilm": set(), "distil_minilm": set()}
    for trial, values in drawn(demo, 60):
        conditional = {name for name in trial.params if "|" in name}
        assert conditional == {f"model.freeze_layers|model={values['model']}"}
        depths[values["model"]].add(values["model.freeze_layers"])
        assert set(values) == {
            "model",
            "model.freeze_layers",
            "training.learning_rate",
            "training.epochs",
            "training.weight_decay",
            "dataset.max_length",
        }
    assert depths == {"minilm": {0, 2, 4}, "distil_minilm": {0, 1, 2}}


def test_a_condition_wins_over_the_same_field_in_params(plan_of: PlanOf) -> None:
    plan = plan_of(
        """
        n_trials: 4
        params:
          model: choice(minilm, distil_minilm)
          training.epochs: range(1, 3)
        when:
          model=minilm:
            training.epochs: range(5, 7)
        """
    )
    epochs = {"minilm": {5, 6}, "distil_minilm": {1, 2}}
    names = {"minilm": "training.epochs|model=minilm", "distil_minilm": "training.epochs"}
    for trial, values in drawn(plan):
        assert values["training.epochs"] in epochs[str(values["model"])]
        assert set(trial.params) == {"model", names[str(values["model"])]}


def test_a_plain_value_under_a_condition_is_fixed_for_its_trials(plan_of: PlanOf) -> None:
    plan = plan_of(
        TWO_MODELS
        + """
  training.batch_size: 8
  training.epochs: range(1, 3)
when:
  model=distil_minilm:
    training.batch_size: 64
    training.epochs: 9
"""
    )
    for trial, values in drawn(plan):
        if values["model"] == "distil_minilm":
            assert values == {
                "model": "distil_minilm",
                "training.batch_size": 64,
                "training.epochs": 9,
            }
            assert set(trial.params) == {"model"}
        else:
            assert set(values) == {"model", "training.epochs"}
    assert plan.base.config.training.batch_size == 8


def test_a_condition_holds_for_a_model_that_the_command_line_fixed(plan_of: PlanOf) -> None:
    text = f"{TWO_MODELS}when:\n  model=minilm:\n    model.freeze_layers: range(0, 7)\n"
    assert in_force(plan_of(text, "model=distil_minilm"), {}) == []
    ((trial, values),) = drawn(plan_of(text, "model=minilm"), 1)
    assert set(values) == {"model.freeze_layers"}
    assert set(trial.params) == {"model.freeze_layers|model=minilm"}


def test_enqueued_params_are_named_as_optuna_names_its_dimensions(demo: SweepPlan) -> None:
    params = {
        "model": "distil_minilm",
        "model.freeze_layers": 2,
        "training.epochs": 1,
        "training.batch_size": 8,  # outside the space: applied, but nothing to Optuna
    }
    assert optuna_params(demo, params) == {
        "model": "distil_minilm",
        "model.freeze_layers|model=distil_minilm": 2,
        "training.epochs": 1,
    }


def test_enqueued_params_without_a_model_hold_for_whichever_is_drawn(demo: SweepPlan) -> None:
    study = optuna.create_study(sampler=RandomSampler(seed=0))
    for _ in range(8):
        study.enqueue_trial(optuna_params(demo, {"model.freeze_layers": 2}))
    given = [suggest(study.ask(), demo) for _ in range(8)]
    assert {values["model"] for values in given} == {"minilm", "distil_minilm"}
    assert [values["model.freeze_layers"] for values in given] == [2] * 8


OTHER_MODEL = """
n_trials: 4
params:
  model: minilm
  training.epochs: range(1, 3)
when:
  model=minilm:
    model.freeze_layers: range(4, 7)
    training.batch_size: 8
  model=distil_minilm:
    model.freeze_layers: range(0, 3)
    training.batch_size: 64
"""


@pytest.mark.parametrize("sampler", ["RandomSampler", "TransferSampler"])
def test_a_given_model_outside_the_space_has_its_own_conditions(
    plan_of: PlanOf, sampler: str
) -> None:
    plan = plan_of(OTHER_MODEL)
    other = {"model": "distil_minilm"}
    fixed = other | {"model.freeze_layers": 2, "training.batch_size": 16}
    study = optuna.create_study()
    found = []
    for given in (other, fixed, {}):
        study.sampler = (
            RandomSampler(seed=0) if sampler == "RandomSampler" else sampler_for(plan, len(found))
        )
        study.enqueue_trial(optuna_params(plan, given))
        found.append(suggest(study.ask(), plan, given))
    first, second, third = found
    assert (first["model"], first["training.batch_size"]) == ("distil_minilm", 64)
    assert first["model.freeze_layers"] in range(3)
    assert second.items() >= fixed.items()
    assert third["training.batch_size"] == 8
    assert third["model.freeze_layers"] in range(4, 7)
    names = {name for trial in study.trials[:2] for name in trial.params if "|" in name}
    assert names == {"model.freeze_layers|model=distil_minilm"}


def test_the_objective_is_the_sweeps_own(plan_of: PlanOf) -> None:
    plan = plan_of("{metric: validation/f1, direction: maximize, n_trials: 1}")
    assert objective_of(plan) == Objective("validation/f1", "maximize")


def test_the_demo_passes(demo: SweepPlan) -> None:
    check(demo)


def test_each_model_may_be_frozen_as_deep_as_it_is(plan_of: PlanOf) -> None:
    check(
        plan_of(
            TWO_MODELS
            + """
when:
  model=minilm:
    model.freeze_layers: choice(0, 6, all)
  model=distil_minilm:
    model.freeze_layers: range(0, 4)
"""
        )
    )


DEEP = """\
when:
  model=minilm:
    model.freeze_layers: choice(0, 4, 6)
  model=distil_minilm:
    model.freeze_layers: choice(0, 12)
"""


@pytest.mark.parametrize(
    ("text", "messages"),
    [
        (
            "params: {training.epochs: 'interval(1.5, 3)', dataset.max_length: 'interval(8.0, 9)'}",
            [
                r"training\.epochs: takes whole numbers: write int\(interval\(a, b\)\)",
                r"dataset\.max_length: takes whole numbers",
            ],
        ),
        (
            "params: {training.epochs: 'range(1, 3)', model: 'choice(minilm, distil_minilm)'}\n"
            "enqueue: [{training.epochs: 2}, {training.epochs: 3}, {model: bert}]",
            [
                r"sweep\.enqueue\.1\.training\.epochs: 3 is outside range\(1, 3, 1\)",
                r"sweep\.enqueue\.2\.model: 'bert' is outside choice\(minilm, distil_minilm\)",
            ],
        ),
        (
            "params: {training.learning_rate: 'interval(1e-5, 1e-4)'}\n"
            "enqueue: [{training.learning_rate: fast}]",
            [r"enqueue\.0\..*learning_rate: 'fast' is outside interval\(1e-05, 0\.0001\)"],
        ),
        (
            "params: {dataset.max_length: 'choice(128, 512, 513)'}",
            [r"dataset\.max_length: 513 given; .*minilm.* takes at most 512 tokens"],
        ),
        (
            "params: {training.learning_rate: 'interval(0, 1e-3)'}",
            [r"training\.learning_rate: 0(\.0)? given; must be above 0"],
        ),
        (
            "params: {training.learning_rate: 'interval(-1e-3, 1e-3)'}",
            [r"training\.learning_rate: -0\.001 given; must be above 0"],
        ),
        (
            "params: {model: 'choice(minilm, minilmm)'}",
            [r"model.*minilmm.*did you mean 'minilm'"],
        ),
        (
            "params: {training.epochs: 'range(1, 3)'}\nenqueue: [{training.batch_size: 0}]",
            [r"training\.batch_size: 0 given; must be at least 1"],
        ),
    ],
)
def test_a_sweep_that_could_not_run_is_refused_before_it_does(
    plan_of: PlanOf, text: str, messages: list[str]
) -> None:
    plan = plan_of(f"n_trials: 4\n{text}\n")
    with pytest.raises(ConfigError) as caught:
        check(plan)
    assert len(caught.value.problems) == len(messages)
    for problem, message in zip(caught.value.problems, messages, strict=True):
        assert re.search(message, str(problem))


def test_a_depth_is_held_against_the_models_that_it_can_meet(plan_of: PlanOf) -> None:
    with pytest.raises(ConfigError, match=r"^model\.freeze_layers: 12 given; .* has 3 layers"):
        check(plan_of(TWO_MODELS + DEEP))
    check(plan_of(TWO_MODELS + DEEP, "model=minilm"))


def test_a_depth_for_every_model_is_held_against_the_shallowest(plan_of: PlanOf) -> None:
    deep = TWO_MODELS + "  model.freeze_layers: range(0, 6)\n"
    with pytest.raises(ConfigError, match=r"^model\.freeze_layers: 5 given; .* has 3 layers"):
        check(plan_of(deep))
    check(plan_of(deep, "model=minilm"))
