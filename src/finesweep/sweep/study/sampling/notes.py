"""Sentences on what a sweep's sampler cannot do with its search space and budget."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from optuna.distributions import CategoricalDistribution

from finesweep.config import SweepPlan, parameters_of, plain_path
from finesweep.sweep.study.sampling.samplers import branches
from finesweep.wording import counted

CMAES, GP = "CmaEsSampler", "GPSampler"
EVOLUTION = ("NSGAIISampler", "NSGAIIISampler")
LEARNERS = (CMAES, GP, *EVOLUTION)
"""Optuna's samplers that search what every trial has, draw the rest at random, and learn nothing
from a pruned trial."""
STARTUP, POPULATION = "n_startup_trials", "population_size"
"""Arguments for the number of trials that are drawn at random, before the sampler searches."""
PRUNED_TOO = "consider_pruned_trials"
SILENT = "warn_independent_sampling"
"""Argument by which a user says that random draws are known and wanted."""


def sampler_notes(plan: SweepPlan) -> list[str]:
    """One sentence each, for people; empty where nothing needs saying."""
    if not str(plan.settings.sampler["_target_"]).startswith("optuna."):
        return []
    notes = [*_random_dimensions(plan), *_start_up(plan), *_unlearned(plan)]
    return [f"sampler: {plan.sampler_name} {note}" for note in notes]


def _arguments(plan: SweepPlan) -> dict[str, Any]:
    """The sampler's arguments, defaults included."""
    return {**parameters_of(plan.settings.sampler), **plan.settings.sampler}


def _random_dimensions(plan: SweepPlan) -> Iterator[str]:
    name = plan.sampler_name
    if name not in LEARNERS or _arguments(plan).get(SILENT) is False:
        return
    spaces = [branch.space for branch in branches(plan)]
    common = set.intersection(*(set(space) for space in spaces))
    every = {key: value for space in spaces for key, value in space.items() if not value.single()}
    conditional = [key for key in every if key not in common]
    words = [key for key in every if isinstance(every[key], CategoricalDistribution)]
    random = [key for key in words if key in common and name == CMAES] + conditional
    if random:
        which = "numbers that every trial has" if name == CMAES else "what every trial has"
        yield f"draws {_listed(random)} at random, because it searches only {which}"


def _start_up(plan: SweepPlan) -> Iterator[str]:
    n_trials, arguments = plan.settings.n_trials, _arguments(plan)
    for name in (STARTUP, POPULATION):
        n_random = arguments.get(name)
        if isinstance(n_random, int) and n_trials is not None and n_random >= n_trials:
            yield (
                f"draws all at random: its {name} is {n_random}, and the sweep has "
                f"{counted(n_trials, 'trial')}"
            )


def _unlearned(plan: SweepPlan) -> Iterator[str]:
    learns_all = plan.settings.pruner is None or _arguments(plan).get(PRUNED_TOO)
    if plan.sampler_name in LEARNERS and not learns_all:
        yield "learns nothing from pruned trials; sweep.pruner=null prunes none"


def _listed(names: list[str]) -> str:
    """The fields of Optuna's names, each once, as words."""
    *others, last = dict.fromkeys(map(plain_path, names))
    return f"{', '.join(others)} and {last}" if others else last
