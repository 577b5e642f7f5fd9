"""The config node of a sweep's sampler, without loading what samples."""

from __future__ import annotations

from typing import Any

from finesweep.config import SweepPlan, parameters_of

SHARED_SEED = ("QMCSampler",)
"""Samplers whose sequence must have the same seed in every trial."""
SEED = 42


def seeded_sampler(plan: SweepPlan) -> dict[str, Any]:
    """The sampler's config node, with a seed if it takes one and none is set."""
    node = dict(plan.settings.sampler)
    if "seed" not in node and "seed" in parameters_of(node):
        node["seed"] = SEED
    return node


def learns(plan: SweepPlan) -> bool:
    """Whether the plan's sampler learns from other studies."""
    return "past" in parameters_of(plan.settings.sampler)


def starts_from_table(plan: SweepPlan) -> bool:
    """Whether the plan's sampler starts from the table of trials that comes with finesweep."""
    return learns(plan) and "all" not in plan.settings.sampler.get("without", ())
