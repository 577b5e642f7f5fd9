"""The sampler of each slot."""

from __future__ import annotations

import warnings
from typing import Any

from optuna.exceptions import ExperimentalWarning
from optuna.samplers import BaseSampler

from finesweep.config import SweepPlan, build, parameters_of
from finesweep.errors import ConfigError, Problem

SHARED_SEED = ("QMCSampler",)
"""Samplers whose sequence must have the same seed in every trial."""
SEED = 42


def seeded_sampler(plan: SweepPlan) -> dict[str, Any]:
    """The sampler's config node, with a seed if it takes one and none is set."""
    node = dict(plan.settings.sampler)
    if "seed" not in node and "seed" in parameters_of(node):
        node["seed"] = SEED
    return node


def sampler_for(plan: SweepPlan, slot: int) -> BaseSampler:
    """The sampler of one slot, seeded with the sweep's seed plus the slot.

    So a restarted sweep does not repeat its first points, and draws what it would have drawn
    without the interruption. ConfigError when the sampler cannot be built.
    """
    node = seeded_sampler(plan)
    name = str(node["_target_"]).rpartition(".")[2]
    if node.get("seed") is not None and name not in SHARED_SEED:
        node["seed"] = int(node["seed"]) + slot
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ExperimentalWarning)
        sampler = build(node)
    if not isinstance(sampler, BaseSampler):
        raise ConfigError(Problem("sweep.sampler", f"{node['_target_']} is not an Optuna sampler"))
    return sampler
