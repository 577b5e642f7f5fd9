"""The sampler of each slot."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from itertools import product

from optuna.distributions import BaseDistribution
from optuna.exceptions import ExperimentalWarning
from optuna.samplers import BaseSampler, QMCSampler, RandomSampler
from optuna.trial import FrozenTrial

from finesweep.config import Searched, SweepPlan, build, parameters_of
from finesweep.errors import ConfigError, Problem
from finesweep.samplers import Branch
from finesweep.sweep.study.objectives.all_objectives import SeesAllObjectives
from finesweep.sweep.study.optuna_private import draw_point
from finesweep.sweep.study.sampling.grid import SPACE
from finesweep.sweep.study.sampling.node import SHARED_SEED, learns, seeded_sampler
from finesweep.sweep.study.search_space import distribution, in_force, searched_groups


def sampler_for(
    plan: SweepPlan, slot: int, past: Sequence[Sequence[FrozenTrial]] = ()
) -> BaseSampler:
    """The sampler of one slot, seeded with the sweep's seed plus the slot.

    So a restarted sweep does not repeat its first points, and draws what it would have drawn
    without the interruption. One that learns from other studies gets their trials and the branches
    of the plan's search space, one of several objectives sees all of them, and one that draws a
    sequence draws the slot's point of it. An exhaustive one has nothing to draw: its points are
    their slots' params. ConfigError when the sampler cannot be built.
    """
    node = seeded_sampler(plan)
    if plan.is_exhaustive:
        # Only its arguments are checked. A GridSampler without a grid would be refused.
        build(node | ({SPACE: {}} if SPACE in parameters_of(node) else {}))
        return RandomSampler(seed=slot)
    if node.get("seed") is not None and plan.sampler_name not in SHARED_SEED:
        node["seed"] = int(node["seed"]) + slot
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ExperimentalWarning)
        sampler = build(node)
    if not isinstance(sampler, BaseSampler):
        raise ConfigError(Problem("sweep.sampler", f"{node['_target_']} is not an Optuna sampler"))
    if isinstance(sampler, QMCSampler):
        draw_point(sampler, _every_dimension(plan), slot)
    if learns(plan):
        # Given here because Hydra would turn trials and branches into config nodes.
        sampler.past = [*sampler.past, *past]  # type: ignore[attr-defined]
        sampler.search_space = branches(plan)  # type: ignore[attr-defined]
    return SeesAllObjectives(sampler) if len(plan.objectives) > 1 else sampler


def _every_dimension(plan: SweepPlan) -> dict[str, BaseDistribution]:
    """Optuna's name → distribution, conditional ones too: a trial takes those of its branch."""
    spaces = [branch.space for branch in branches(plan)]
    return {k: v for space in spaces for k, v in space.items() if not v.single()}


def branches(plan: SweepPlan) -> list[Branch]:
    """The branches of the plan's search space, one for each combination of searched groups."""
    groups = searched_groups(plan)
    found = []
    for values in product(*(group.dimension.ends() for group in groups)):
        choices = {group.path: value for group, value in zip(groups, values, strict=True)}
        items = [item for item in in_force(plan, choices) if isinstance(item, Searched)]
        space = {item.name: distribution(item.dimension) for item in (*groups, *items)}
        found.append(Branch(space, {path: (value,) for path, value in choices.items()}))
    return found
