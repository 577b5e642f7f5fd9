"""The sampler of each slot, and whose fault it is when it cannot answer."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from optuna.exceptions import ExperimentalWarning, UpdateFinishedTrialError
from optuna.samplers import BaseSampler

from finesweep.config import SweepPlan, build, missing_package, parameters_of
from finesweep.errors import ConfigError, Problem, reason
from finesweep.sweep.failures import WholeSweepError, classify

SHARED_SEED = ("QMCSampler",)
"""Samplers whose sequence must have the same seed in every trial."""
SEED = 42
GONE = "Record does not exist."
"""What Optuna's KeyError says of a trial that was deleted under a worker."""


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


@contextmanager
def whole_sweeps(field: str, described: dict[str, Any] | None) -> Iterator[None]:
    """An error of what is described under a field is the whole sweep's, and no slot's.

    WholeSweepError then; what the storage or the machine raises passes through.
    """
    try:
        yield
    except (ConfigError, UpdateFinishedTrialError):
        raise
    except Exception as error:
        if classify(error).kind != "trial" or GONE in str(error):
            raise
        name = str((described or {}).get("_target_")).rpartition(".")[2]
        raise WholeSweepError(Problem(field, f"{name} failed: {_why(error)}")) from error


def _why(error: Exception) -> str:
    package = missing_package(error)
    return f"it needs {package}: pip install {package}" if package else reason(error)
