"""Configurations that a sweep may try: its known first trials, and draws for the others."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

import optuna

from finesweep.config import Composed, Config, SweepPlan
from finesweep.runs.run_name import model_name
from finesweep.sweep.rehearsal import silent_optuna
from finesweep.sweep.study.portfolio.first_trials import first_trials
from finesweep.sweep.study.sampling.known_slots import SAMPLER, known_slots
from finesweep.sweep.study.sampling.node import learns
from finesweep.sweep.study.sampling.samplers import sampler_for
from finesweep.sweep.study.search_space import suggest

N_RANDOM = 200
"""Draws of a sampler that begins at random: an average over the search space."""
N_LEARNED = 12
"""Draws of a sampler that begins with what past studies have learned, which are slower."""
SET_DIRECTLY = ("training.", "dataset.max_length", "model.freeze_layers")
"""Fields without an effect on others: Hydra composes only once for all their values."""


@dataclass(frozen=True)
class Draw:
    """One trial's config, without its seed."""

    model: str
    """As Measured.model."""
    config: Config


@dataclass(frozen=True)
class Draws:
    """Trials of a sweep, as far as they can be known before any has ended."""

    first: tuple[Draw, ...]
    """Enqueued, then of the portfolio; at most the number of trials."""
    others: tuple[Draw, ...]
    """The sampler's suggestions while no trial has ended: for Optuna's samplers random, for a
    TransferSampler what was good in the table of past trials, and points of a grid."""


def drawn(plan: SweepPlan) -> Draws:
    """The sweep's draws; the same each time."""
    portfolio = first_trials(plan).params if plan.settings.portfolio else ()
    known = known_slots(plan, portfolio)[: plan.settings.n_trials]
    given = [slot for slot in known if slot.origin != SAMPLER]
    n_draws = N_LEARNED if learns(plan) else N_RANDOM
    # A grid has nothing else to draw; one of which all is given is its own sample.
    others = [slot for slot in known if slot.origin == SAMPLER] or given
    drawn_others = others[:n_draws] if plan.is_exhaustive else [None] * n_draws
    values = []
    with silent_optuna():
        study = optuna.create_study(direction=plan.direction)
        for index, slot in enumerate([*given, *drawn_others]):
            study.sampler = sampler_for(plan, index)
            study.enqueue_trial(dict(slot.params) if slot else {})
            values.append(suggest(study.ask(), plan, slot.values if slot else {}))
    draws = _draws(plan, values)
    return Draws(tuple(draws[: len(given)]), tuple(draws[len(given) :]))


def _draws(plan: SweepPlan, values: Iterable[Mapping[str, Any]]) -> list[Draw]:
    """The drawn values as configs."""
    paths = {*(item.path for item in plan.searched), *(item.path for item in plan.conditional)}
    has_one_dataset = not any(
        path.split(".")[0] == "dataset" and not path.startswith(SET_DIRECTLY) for path in paths
    )
    composed: dict[str, Composed] = {}
    draws = []
    for each in values:
        rest = {path: v for path, v in each.items() if not path.startswith(SET_DIRECTLY)}
        key = repr(sorted(rest.items()))
        if key not in composed:
            composed[key] = plan.compose_trial(rest)
        config, name = deepcopy(composed[key].config), model_name(composed[key])
        for path in each.keys() - rest.keys():
            section, _, field = path.partition(".")
            setattr(getattr(config, section), field, each[path])
        draws.append(Draw(name if has_one_dataset else f"{name} on {config.dataset.name}", config))
    return draws
