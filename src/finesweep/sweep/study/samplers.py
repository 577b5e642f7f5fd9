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
    """The sampler's description, with a seed where it takes one and none is given."""
    described = dict(plan.settings.sampler)
    if "seed" not in described and "seed" in parameters_of(described):
        described["seed"] = SEED
    return described


def sampler_for(plan: SweepPlan, slot: int) -> BaseSampler:
    """The sampler of one slot, seeded by the sweep's seed and the slot.

    So a restarted sweep does not draw its first points again, and asks for what it would have
    asked for without the interruption. ConfigError when it cannot be made.
    """
    node = seeded_sampler(plan)
    name = str(node["_target_"]).rpartition(".")[2]
    if node.get("seed") is not None and name not in SHARED_SEED:
        node["seed"] = int(node["seed"]) + slot
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ExperimentalWarning)
        sampler = build(node)
    if not isinstance(sampler, BaseSampler):
        raise ConfigError(Problem("sweep.sampler", f"{node['_target_']} is no sampler of Optuna's"))
    return sampler
