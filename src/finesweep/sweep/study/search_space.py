"""The search space: dimensions as Optuna distributions, suggested in order, checked beforehand."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import product
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
from finesweep.model import limit_problems
from finesweep.records import Objective
from finesweep.sweep.study.optuna_private import contains


def distribution(dimension: Dimension) -> BaseDistribution:
    """The Optuna distribution with the same values; a range ends at the last value it reaches."""
    if isinstance(dimension, Choice):
        return CategoricalDistribution(dimension.values)
    if isinstance(dimension, Interval):
        kind = IntDistribution if dimension.integer else FloatDistribution
        return kind(dimension.low, dimension.high, log=dimension.log)  # type: ignore[arg-type]
    whole = isinstance(dimension.start, int) and isinstance(dimension.step, int)
    kind = IntDistribution if whole else FloatDistribution
    step = None if dimension.log and not whole else dimension.step
    return kind(dimension.start, dimension.last, log=dimension.log, step=step)  # type: ignore[arg-type]


def suggest(trial: Trial, plan: SweepPlan) -> dict[str, Any]:
    """Plain path → value for one trial: what Optuna chose, and what its choices fix."""
    values = {group.path: _suggest(trial, group) for group in _groups(plan)}
    for item in in_force(plan, values):
        if item.path not in values:
            values[item.path] = _suggest(trial, item) if isinstance(item, Searched) else item.value
    return values


def in_force(plan: SweepPlan, choices: Mapping[str, Any]) -> list[Searched | Fixed]:
    """What applies to a trial that made these group choices; a condition wins over no condition."""
    conditional: list[Searched | Fixed] = [*plan.searched, *plan.conditional]
    held = [item for item in conditional if _holds(item, plan, choices)]
    settled = {item.path for item in held}
    always = [item for item in plan.searched if not item.condition and item.path not in settled]
    return [*always, *held]


def optuna_params(plan: SweepPlan, params: Mapping[str, Any]) -> dict[str, Any]:
    """The part of enqueued params that lies in the space, by the names that Optuna knows."""
    left_open = [group for group in _groups(plan) if group.path not in params]
    return {
        item.name: params[item.path]
        for drawn in product(*(group.dimension.ends() for group in left_open))
        for item in in_force(
            plan, {g.path: v for g, v in zip(left_open, drawn, strict=True)} | dict(params)
        )
        if isinstance(item, Searched) and item.path in params
    }


def check(plan: SweepPlan) -> list[DatasetConfig]:
    """The different data that trials will read; ConfigError lists all that is wrong with the space.

    Each dimension's ends are composed with each model that they can meet, and held against what
    that model can do, before anything is trained; so are the enqueued params.
    """
    problems = [
        *_integer_problems(plan),
        *_enqueue_problems(plan),
    ]
    data: list[DatasetConfig] = []
    asked: list[tuple[ModelConfig, int]] = []
    if not problems:
        for values in _corners(plan):
            try:
                config = plan.compose_trial(values).config
            except ConfigError as error:
                problems += [each for each in error.problems if each not in problems]
                continue
            # Not its length: texts are cut when batches are made.
            dataset = replace(config.dataset, max_length=DatasetConfig.max_length)
            if dataset not in data:
                data.append(dataset)
            asked.append((config.model, config.dataset.max_length))
        problems += limit_problems(asked)
    if problems:
        raise ConfigError(*problems)
    return data


def objective_of(plan: SweepPlan) -> Objective:
    return Objective(plan.settings.metric, plan.direction)


def _suggest(trial: Trial, item: Searched) -> Any:
    """Trial's own suggest method for a distribution (Trial._suggest takes any, but is private)."""
    space = distribution(item.dimension)
    if isinstance(space, CategoricalDistribution):
        return trial.suggest_categorical(item.name, space.choices)
    if isinstance(space, IntDistribution):
        return trial.suggest_int(item.name, space.low, space.high, step=space.step, log=space.log)
    assert isinstance(space, FloatDistribution)
    return trial.suggest_float(item.name, space.low, space.high, step=space.step, log=space.log)


def _groups(plan: SweepPlan) -> list[Searched]:
    """The config groups that the sweep chooses among: conditions depend on them."""
    return [item for item in plan.searched if not item.condition and leaf(item.path) is None]


def _holds(item: Searched | Fixed, plan: SweepPlan, choices: Mapping[str, Any]) -> bool:
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
                    problems.append(Problem(path, f"{value!r} lies outside {item.dimension}"))
    return problems


def _corners(plan: SweepPlan) -> Iterator[dict[str, Any]]:
    """Trials that hold all enqueued params and, under every choice of groups, every end."""
    groups = _groups(plan)
    for combination in product(*(group.dimension.ends() for group in groups)):
        chosen = {group.path: value for group, value in zip(groups, combination, strict=True)}
        yield from (chosen | picked for picked in _ends(plan, chosen))
    first = {group.path: group.dimension.ends()[0] for group in groups}
    for params in plan.enqueued:
        yield next(_ends(plan, first | dict(params))) | first | dict(params)


def _ends(plan: SweepPlan, chosen: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """As few values as hold every end of every dimension that these choices leave open."""
    ends = {
        item.path: item.dimension.ends() if isinstance(item, Searched) else (item.value,)
        for item in in_force(plan, chosen)
        if item.path not in chosen
    }
    for index in range(max(map(len, ends.values()), default=1)):
        yield {path: values[min(index, len(values) - 1)] for path, values in ends.items()}
