"""The winner's seeds combined: which average of weights, or mean of probabilities, is best.

Wortsman et al. (2022) average models that were fine-tuned from the same weights: all of them, a
uniform soup, or those that improve the average on validation, a greedy soup.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from optuna.trial import FrozenTrial

from finesweep.config import ConfirmConfig
from finesweep.records import Objective
from finesweep.sweep.selection.state import ConfirmationState, SweepState
from finesweep.sweep.study.keys import COMBINATION, SLOT
from finesweep.sweep.study.ranking import ranked

BEST_SEED, UNIFORM, GREEDY, ENSEMBLE = "best seed", "uniform soup", "greedy soup", "ensemble"
HEAD_SEED = "training.head_seed"

Members = tuple[int, ...]
"""Numbers of trials of the confirmation, the best first."""
Value = Callable[[str, Members], float]
"""The sweep's metric on validation of members combined in this way."""


@dataclass(frozen=True)
class Combination:
    """What was tried with a configuration's seeds on validation, and what is best."""

    trial: int
    """Number of the search's trial that has the configuration."""
    seeds: Members
    """All its complete seeds."""
    ways: tuple[str, ...]
    """What was asked for: soup, ensemble."""
    chosen: str
    members: Members
    """The seeds that are combined; the best one alone when nothing is better than it."""
    values: Mapping[str, float] = field(default_factory=dict)
    """Way → the sweep's metric on validation; empty when nothing could be tried."""
    omissions: Sequence[str] = ()
    """Why something was not tried, in sentences."""

    @property
    def is_combined(self) -> bool:
        return self.chosen != BEST_SEED

    @property
    def key(self) -> str:
        """Names these weights within the confirmation."""
        return "-".join([self.chosen.replace(" ", "-"), *map(str, self.members)])


def ways_of(config: ConfirmConfig) -> tuple[str, ...]:
    """What the config asks for."""
    return tuple(name for name in ("soup", "ensemble") if getattr(config, name))


def combination_in(attributes: Mapping[str, Any]) -> Combination | None:
    """The last combination in a study's user attributes; None before the first."""
    stored = attributes.get(COMBINATION)
    if stored is None:
        return None
    names = ("seeds", "ways", "members")
    return Combination(**{**stored, **{name: tuple(stored[name]) for name in names}})


def combination_of(
    state: SweepState, config: ConfirmConfig | None, trial: int
) -> Combination | None:
    """The recorded combination of this configuration's seeds; None if it is of other seeds, or of
    other ways than the config asks for."""
    found = combination_in(state.attributes)
    if found is None or config is None or state.confirmation is None:
        return None
    asked = (trial, numbers(seeds_of(state.confirmation, trial, state)), ways_of(config))
    return found if asked == (found.trial, found.seeds, found.ways) else None


def seeds_of(confirmation: ConfirmationState, trial: int, state: SweepState) -> list[FrozenTrial]:
    """The complete seeds of a trial of the search, the best first."""
    return [
        each
        for each in ranked(confirmation.trials, state.direction)
        if confirmation.seed_runs[each.user_attrs[SLOT]][0] == trial
    ]


def numbers(trials: Iterable[FrozenTrial]) -> Members:
    return tuple(trial.number for trial in trials)


def choose(
    alike: Members, others: Members, ways: Sequence[str], objective: Objective, value: Value
) -> tuple[dict[str, tuple[float, Members]], str]:
    """Way → its value and the seeds that it combines, and the best way.

    alike are the seeds that started from the same weights, the best of all first; others are only
    for the ensemble. Of equal ways the first wins: a single model before an ensemble.
    """
    best = alike[:1]
    tried = {BEST_SEED: (value(BEST_SEED, best), best)}
    if "soup" in ways and len(alike) > 1:
        tried[UNIFORM] = value(UNIFORM, alike), alike
        tried[GREEDY] = greedy(alike, objective, lambda members: value(GREEDY, members))
    if "ensemble" in ways and (everyone := alike + others)[1:]:
        tried[ENSEMBLE] = value(ENSEMBLE, everyone), everyone
    chosen = BEST_SEED
    for way, (own, _) in tried.items():
        if objective.is_better(own, than=tried[chosen][0]):
            chosen = way
    return tried, chosen


def greedy(
    seeds: Members, objective: Objective, value: Callable[[Members], float]
) -> tuple[float, Members]:
    """The greedy soup's value and members: each seed, the best first, is added if the average does
    not get worse."""
    members = seeds[:1]
    best = value(members)
    for seed in seeds[1:]:
        own = value((*members, seed))
        if own == best or objective.is_better(own, than=best):
            best, members = own, (*members, seed)
    return best, members
