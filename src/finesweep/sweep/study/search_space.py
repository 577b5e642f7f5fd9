"""The search space: dimensions as Optuna distributions, suggested in order, checked in advance."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import product
from types import MappingProxyType
from typing import Any

from optuna import Trial
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)

from finesweep.config import (
    Choice,
    Config,
    DatasetConfig,
    Dimension,
    Fixed,
    Interval,
    ModelConfig,
    Searched,
    SweepPlan,
)
from finesweep.config.field_paths import leaf
from finesweep.errors import ConfigError, Problem
from finesweep.records import Objective
from finesweep.sweep.study.optuna_private import contains


def distribution(dimension: Dimension) -> BaseDistribution:
    """The Optuna distribution with the same values; a range's high is the last value it reaches."""
    if isinstance(dimension, Choice):
        return CategoricalDistribution(dimension.values)
    if isinstance(dimension, Interval):
        kind = IntDistribution if dimension.integer else FloatDistribution
        return kind(dimension.low, dimension.high, log=dimension.log)  # type: ignore[arg-type]
    is_integer = isinstance(dimension.start, int) and isinstance(dimension.step, int)
    kind = IntDistribution if is_integer else FloatDistribution
    step = None if dimension.log and not is_integer else dimension.step
    return kind(dimension.start, dimension.last, log=dimension.log, step=step)  # type: ignore[arg-type]


def suggest(
    trial: Trial, plan: SweepPlan, given: Mapping[str, Any] = MappingProxyType({})
) -> dict[str, Any]:
    """Plain path → value for one trial: the given ones, Optuna's suggestions, and the values that
    they imply.

    given are the params that are known before the trial, by plain path. Groups among them decide
    conditions, those outside the search space too, and nothing replaces a given value.
    """
    suggested = {group.path: _suggest(trial, group) for group in searched_groups(plan)}
    for item in in_force(plan, {**given, **suggested}):
        if item.path in suggested:
            continue
        if isinstance(item, Searched):  # of a given value, what Optuna was told of it
            suggested[item.path] = _suggest(trial, item)
        elif item.path not in given:
            suggested[item.path] = item.value
    return {**given, **suggested}


def in_force(plan: SweepPlan, choices: Mapping[str, Any]) -> list[Searched | Fixed]:
    """The dimensions and values for a trial with these group choices; a conditional one replaces
    an unconditional one of the same path."""
    candidates: list[Searched | Fixed] = [*plan.searched, *plan.conditional]
    conditional = [item for item in candidates if _condition_holds(item, plan, choices)]
    paths = {item.path for item in conditional}
    always = [item for item in plan.searched if not item.condition and item.path not in paths]
    return [*always, *conditional]


def optuna_params(plan: SweepPlan, params: Mapping[str, Any]) -> dict[str, Any]:
    """The enqueued params that are in the search space, by Optuna's parameter names."""
    free = [group for group in searched_groups(plan) if group.path not in params]
    return {
        item.name: params[item.path]
        for choices in product(*(group.dimension.ends() for group in free))
        for item in in_force(
            plan, {g.path: v for g, v in zip(free, choices, strict=True)} | dict(params)
        )
        if isinstance(item, Searched) and item.path in params
    }


@dataclass(frozen=True)
class TrialInputs:
    """What trials read besides the model that they train."""

    dataset: DatasetConfig
    """With the default max_length: texts are truncated when batches are built."""
    teacher: str | None
    """As given, for trials that have one."""


def trial_inputs(plan: SweepPlan) -> list[TrialInputs]:
    """The distinct inputs of all trials; ConfigError when one of them cannot be composed."""
    inputs = (_inputs_of(plan.compose_trial(values).config) for values in _corners(plan))
    return _distinct(inputs)


def check(plan: SweepPlan) -> list[TrialInputs]:
    """The distinct inputs of all trials; ConfigError lists every problem of the space.

    Before anything is trained, both bounds of every dimension are composed with every model they
    can be combined with, and checked against that model's limits; so are the enqueued params.
    """
    problems = [
        *_integer_problems(plan),
        *_enqueue_problems(plan),
    ]
    from finesweep.model import limit_problems  # loads torch

    inputs: list[TrialInputs] = []
    lengths: list[tuple[ModelConfig, int]] = []
    layer_decay = 1.0
    if not problems:
        for values in _corners(plan):
            try:
                config = plan.compose_trial(values).config
            except ConfigError as error:
                problems += [each for each in error.problems if each not in problems]
                continue
            inputs.append(_inputs_of(config))
            lengths.append((config.model, config.dataset.max_length))
            layer_decay = min(layer_decay, config.training.layer_decay)
        problems += limit_problems(lengths, layer_decay=layer_decay)
    if problems:
        raise ConfigError(*problems)
    return _distinct(inputs)


def _inputs_of(config: Config) -> TrialInputs:
    dataset = replace(config.dataset, max_length=DatasetConfig.max_length)
    return TrialInputs(dataset, config.training.teacher)


def _distinct(inputs: Iterable[TrialInputs]) -> list[TrialInputs]:
    distinct: list[TrialInputs] = []
    for each in inputs:
        if each not in distinct:
            distinct.append(each)
    return distinct


def objective_of(plan: SweepPlan) -> Objective:
    return Objective(plan.settings.metric, plan.direction)


def _suggest(trial: Trial, item: Searched) -> Any:
    """The value that Optuna suggests (Trial._suggest takes any distribution, but is private)."""
    space = distribution(item.dimension)
    if isinstance(space, CategoricalDistribution):
        return trial.suggest_categorical(item.name, space.choices)
    if isinstance(space, IntDistribution):
        return trial.suggest_int(item.name, space.low, space.high, step=space.step, log=space.log)
    assert isinstance(space, FloatDistribution)
    return trial.suggest_float(item.name, space.low, space.high, step=space.step, log=space.log)


def searched_groups(plan: SweepPlan) -> list[Searched]:
    """The searched config groups, on which conditions depend."""
    return [item for item in plan.searched if not item.condition and leaf(item.path) is None]


def _condition_holds(item: Searched | Fixed, plan: SweepPlan, choices: Mapping[str, Any]) -> bool:
    if not item.condition:
        return False
    group, _, choice = item.condition.partition("=")
    return str(choices.get(group, plan.base.choices.get(group))) == choice


def _integer_problems(plan: SweepPlan) -> list[Problem]:
    return [
        Problem(item.path, "takes whole numbers: write int(interval(a, b)) or range(a, b)")
        for item in plan.searched
        if isinstance(item.dimension, Interval)
        and not item.dimension.integer
        and (kind := leaf(item.path)) is not None
        and kind.is_whole_number
    ]


def _enqueue_problems(plan: SweepPlan) -> list[Problem]:
    problems = []
    for index, params in enumerate(plan.enqueued):
        for item in in_force(plan, params):
            if isinstance(item, Searched) and item.path in params:
                value, space = params[item.path], distribution(item.dimension)
                if not contains(space, value):
                    path = f"sweep.enqueue.{index}.{item.path}"
                    problems.append(Problem(path, f"{value!r} is outside {item.dimension}"))
    return problems


def _corners(plan: SweepPlan) -> Iterator[dict[str, Any]]:
    """Values of trials that cover all enqueued params and, for every combination of groups, both
    bounds of every dimension."""
    groups = searched_groups(plan)
    for combination in product(*(group.dimension.ends() for group in groups)):
        choices = {group.path: value for group, value in zip(groups, combination, strict=True)}
        yield from (choices | values for values in _ends(plan, choices))
    first = {group.path: group.dimension.ends()[0] for group in groups}
    for params in plan.enqueued:
        yield next(_ends(plan, first | dict(params))) | first | dict(params)


def _ends(plan: SweepPlan, choices: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """The fewest trials that cover both bounds of every dimension these choices leave open."""
    ends = {
        item.path: item.dimension.ends() if isinstance(item, Searched) else (item.value,)
        for item in in_force(plan, choices)
        if item.path not in choices
    }
    for index in range(max(map(len, ends.values()), default=1)):
        yield {path: values[min(index, len(values) - 1)] for path, values in ends.items()}
