"""The grid of a sweep whose sampler is exhaustive: every point of its search space, shuffled.

Optuna's GridSampler and BruteForceSampler choose for each trial what no other has tried yet, so
that two workers may choose the same, and a retried trial chooses again. Here a point belongs to a
slot, which is finished once: none is repeated and none is lost.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from decimal import Decimal
from itertools import product
from types import MappingProxyType
from typing import Any

import numpy as np

from finesweep.config import Choice, Dimension, Interval, Searched, SweepPlan
from finesweep.errors import ConfigError, Problem
from finesweep.sweep.study.sampling.node import seeded_sampler
from finesweep.sweep.study.search_space import in_force, searched_groups

MAX_POINTS = 20_000
"""More than any sweep runs; every worker lists them all."""
SPACE = "search_space"
"""Optuna's argument for the grid, which is that of the sweep's dimensions here."""


def points(
    plan: SweepPlan, choices: Mapping[str, Any] = MappingProxyType({})
) -> list[dict[str, Any]]:
    """Optuna params of every point, in the order in which they are tried.

    A dimension with a condition is in the points that meet it; choices are those of groups outside
    the search space, where they are not the sweep's own. ConfigError names every dimension that is
    no list of values, and tells when there are too many points.
    """
    if problems := _problems(plan):
        raise ConfigError(*problems)
    found: list[dict[str, Any]] = []
    for space in _branches(plan, choices):
        names, values = space.keys(), map(_values, space.values())
        found += [dict(zip(names, point, strict=True)) for point in product(*values)]
    # RandomState never changes its numbers between releases: a resumed sweep needs the same order.
    order = np.random.RandomState(seeded_sampler(plan).get("seed") or 0).permutation(len(found))
    return [found[index] for index in order]


def _branches(
    plan: SweepPlan, others: Mapping[str, Any] = MappingProxyType({})
) -> Iterator[Mapping[str, Dimension]]:
    """Optuna's name → dimension, for each combination of searched groups, whose value is fixed."""
    groups = searched_groups(plan)
    for values in product(*(_values(group.dimension) for group in groups)):
        choices = {group.path: value for group, value in zip(groups, values, strict=True)}
        space: dict[str, Dimension] = {path: Choice((value,)) for path, value in choices.items()}
        for item in in_force(plan, {**others, **choices}):
            if isinstance(item, Searched):
                space.setdefault(item.name, item.dimension)
        yield space


def _values(dimension: Dimension) -> list[Any]:
    """Every value, each once."""
    if isinstance(dimension, Choice):
        return [v for i, v in enumerate(dimension.values) if v not in dimension.values[:i]]
    if isinstance(dimension, Interval):
        return list(range(int(dimension.low), int(dimension.high) + 1))
    # Decimals, as in Range.last: 0.1 has no exact binary value.
    start, step = (Decimal(str(number)) for number in (dimension.start, dimension.step))
    kind = int if isinstance(dimension.start + dimension.step, int) else float
    return [kind(start + k * step) for k in range(_size(dimension))]


def _size(dimension: Dimension) -> int:
    """Number of values, without listing them."""
    if isinstance(dimension, Choice):
        return len(_values(dimension))
    if isinstance(dimension, Interval):
        return int(dimension.high) - int(dimension.low) + 1
    return round((dimension.last - dimension.start) / dimension.step) + 1


def _problems(plan: SweepPlan) -> list[Problem]:
    sampler = plan.settings.sampler
    problems = {
        item.path: Problem(item.path, _continuous(item.dimension, plan.sampler_name))
        for item in plan.searched
        if isinstance(item.dimension, Interval) and not item.dimension.integer
    }
    if SPACE in sampler:
        message = "the grid is that of the sweep's own dimensions; write its values there: "
        example = "params: {training.learning_rate: 'choice(1e-5, 3e-5)'}"
        problems[SPACE] = Problem(f"sweep.sampler.{SPACE}", message + example)
    if not problems:
        n_points = sum(math.prod(map(_size, space.values())) for space in _branches(plan))
        if n_points > MAX_POINTS:
            message = (
                f"the grid has {n_points:,} points, more than {MAX_POINTS:,}; search fewer values, "
                "or use optuna.samplers.QMCSampler, which spreads any number of trials evenly"
            )
            problems[""] = Problem("sweep.sampler", message)
    return list(problems.values())


def _continuous(dimension: Interval, sampler: str) -> str:
    low, high = dimension.low, dimension.high
    middle = math.sqrt(low * high) if dimension.log else (low + high) / 2
    values = ", ".join(f"{value:.2g}" for value in (low, middle, high))
    return (
        f"{dimension} has infinitely many values, and {sampler} tries each; write choice({values})"
    )
