"""Which configurations are trained again with fresh seeds, and which of them wins.

The minimum of many noisy values is too good. So the best few of the search are confirmed: in a
study of its own, NAME+confirmation, each slot is one (trial of the search, seed). Seeds are raced.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Any

import optuna
from optuna import Study
from optuna.pruners import NopPruner
from optuna.trial import FrozenTrial

from finesweep.config import ConfirmConfig
from finesweep.records import Direction, Finalist
from finesweep.stats.seed_race import (
    SeedSummary,
    leader,
    probability_better,
    race_survivors,
    summarize_seeds,
)
from finesweep.sweep.selection.state import ConfirmationState, StudyState, SweepState, seed_runs_of
from finesweep.sweep.study.keys import (
    CANDIDATES,
    CONFIRMATION,
    N_TRIALS,
    SEED_RUNS,
    SLOT,
    UID,
    VALUES,
)
from finesweep.sweep.study.optuna_private import storage_of
from finesweep.sweep.study.ranking import complete, ranked, worse_by
from finesweep.sweep.study.slots import all_finished, slots_of

SUFFIX = "+confirmation"
"""Behind a study's name; no sweep's own name has a plus sign."""
SEED = "training.seed"


@dataclass(frozen=True)
class ConfirmedRow:
    """One configuration, trained again."""

    trial: int
    """Of the search."""
    searched: float
    """The value that the search found."""
    n_seeds: int
    """That finished."""
    mean: float | None
    """None until the first seed has."""
    deviation: float | None
    """Between seeds; None with one."""
    low: float | None
    high: float | None
    """95 % interval of the mean; None while the noise of seeds is unknown."""
    optimism_gap: float | None
    """What the search found, minus the mean."""
    dropped: bool
    """It could not win any more, or fell out of the search's best."""


@dataclass(frozen=True)
class Winner:
    """The configuration that is evaluated and registered, and whose weights that means."""

    trial: int
    """Of the search."""
    study: StudyState
    """Where `best` lies: the search's own, or that of the confirmation."""
    best: FrozenTrial
    """The best-validated run of the configuration."""
    row: ConfirmedRow | None
    """None where nothing was to be confirmed."""
    probability: float | None
    """That it really is better than the second."""

    @property
    def uid(self) -> str:
        return f"{self.study.uid}/{self.best.number}"


def candidates(searched: Iterable[FrozenTrial], wanted: ConfirmConfig) -> list[int]:
    """Of the search's trials, the best first, those to confirm: each configuration once whatever
    its seed."""
    numbers: dict[str, int] = {}
    for trial in searched:
        own = {path: value for path, value in trial.user_attrs[VALUES].items() if path != SEED}
        numbers.setdefault(json.dumps(own, sort_keys=True), trial.number)
    return list(numbers.values())[: wanted.top_k]


def make_confirmation(study: Study) -> Study:
    """The study beside the search's, made where there is none; callers hold a lock."""
    made = optuna.create_study(
        study_name=study.study_name + SUFFIX,
        storage=storage_of(study),
        direction=study.direction,
        pruner=NopPruner(),
        load_if_exists=True,
    )
    if UID not in made.user_attrs:
        made.set_user_attr(UID, f"{study.user_attrs[UID]}/confirmation")
        made.set_user_attr(SEED_RUNS, [])
        made.set_user_attr(CANDIDATES, [])
        made.set_user_attr(N_TRIALS, 0)
    if study.user_attrs.get(CONFIRMATION) != made.study_name:
        study.set_user_attr(CONFIRMATION, made.study_name)
    return made


def add_seed_slots(confirmation: Study, chosen: Sequence[int], *, n_seeds: int) -> None:
    """Gives every chosen trial n_seeds slots, those of the first seed first; callers hold a lock.

    Slots that were there keep their numbers: a search that went on loses no seed it has paid for.
    """
    attributes = confirmation.user_attrs
    before = seed_runs_of(attributes)
    wanted = [(trial, seed) for seed in range(n_seeds) for trial in chosen]
    runs = [*before, *(run for run in wanted if run not in before)]
    for name, value in (
        (SEED_RUNS, [list(run) for run in runs]),
        (CANDIDATES, list(chosen)),
        (N_TRIALS, len(runs)),
    ):
        if attributes[name] != value:
            confirmation.set_user_attr(name, value)


def slots_to_skip(state: ConfirmationState, direction: Direction, *, n_seeds: int) -> list[int]:
    """Slots that wait although their configuration cannot win, or is not wanted any more."""
    values = _values(state, state.candidates)
    kept = race_survivors(values, direction) if values else set()
    kept |= {trial for trial in state.candidates if trial not in values}
    runs = enumerate(state.seed_runs)
    wanted = {slot for slot, (trial, seed) in runs if trial in kept and seed < n_seeds}
    slots = slots_of(state.trials, len(state.seed_runs))
    return [slot.index for slot in slots if slot.state == "waiting" and slot.index not in wanted]


def is_confirmed(state: SweepState, wanted: ConfirmConfig | None) -> bool:
    """Whether the search's best, as it now stands, have had all the seeds that they need."""
    if wanted is None or not (chosen := candidates(state.ranked, wanted)):
        return True
    confirmation = state.confirmation
    if confirmation is None or confirmation.candidates != chosen:
        return False
    runs = {(trial, seed) for trial in chosen for seed in range(wanted.seeds)}
    if runs - set(confirmation.seed_runs):
        return False
    return all_finished(confirmation.trials, len(confirmation.seed_runs))


def confirmation_table(state: SweepState) -> list[ConfirmedRow]:
    """One row for each configuration that was to be confirmed: those still in first, best first;
    empty before there is a confirmation."""
    if (confirmation := state.confirmation) is None:
        return []
    values = _values(confirmation, {trial for trial, _ in confirmation.seed_runs})
    out = _dropped(confirmation)
    searched = {trial.number: trial.value for trial in state.trials}
    means, worse = summarize_seeds(values), worse_by(state.direction)
    rows = [
        _row(number, float(searched[number] or 0.0), means.get(number), dropped=number in out)
        for number in dict.fromkeys(trial for trial, _ in confirmation.seed_runs)
    ]
    return sorted(rows, key=lambda row: (row.n_seeds == 0, row.dropped, worse(row.mean)))


def winner_of(state: SweepState, wanted: ConfirmConfig | None) -> Winner | None:
    """The confirmed winner, or without confirmation the search's best; None when none completed.

    Among configurations that were confirmed the best mean wins; of that one the seed that
    validated best. Where all seeds of all configurations failed it is the search's best.
    """
    if not state.ranked:
        return None
    best, direction = state.ranked[0], state.direction
    plain = Winner(best.number, state, best, None, None)
    confirmation = state.confirmation if wanted else None
    if confirmation is None:
        return plain
    rows = {row.trial: row for row in confirmation_table(state) if row.n_seeds}
    if all(row.dropped for row in rows.values()):
        return plain
    values = _values(confirmation, rows)
    first = leader({k: each for k, each in values.items() if not rows[k].dropped}, direction)
    others = {number: each for number, each in values.items() if number != first}
    second = leader(others, direction) if others else None
    return Winner(
        first,
        confirmation,
        best_seeds(confirmation, direction)[first],
        rows[first],
        None if second is None else probability_better(values, first, second, direction),
    )


def is_result_of(finalist: Finalist, winner: Winner) -> bool:
    """Finalists of before confirmation name the trial alone."""
    known = finalist.uid == winner.uid or (not finalist.uid and winner.row is None)
    return known and finalist.trial == winner.trial


def best_seeds(state: ConfirmationState, direction: Direction) -> dict[int, FrozenTrial]:
    """Configuration → its best-validated run, of those that have one."""
    best: dict[int, FrozenTrial] = {}
    for trial in ranked(state.trials, direction):
        best.setdefault(state.seed_runs[trial.user_attrs[SLOT]][0], trial)
    return best


def _values(state: ConfirmationState, wanted: Iterable[int]) -> dict[int, list[float]]:
    """Configuration → values of its seeds, for the wanted that have any."""
    values: dict[int, list[float]] = {number: [] for number in wanted}
    for trial in complete(state.trials):
        number = state.seed_runs[trial.user_attrs[SLOT]][0]
        if number in values:
            values[number].append(float(trial.value or 0.0))
    return {number: each for number, each in values.items() if each}


def _row(number: int, searched: float, made: SeedSummary | None, *, dropped: bool) -> ConfirmedRow:
    if made is None:
        return ConfirmedRow(number, searched, 0, None, None, None, None, None, dropped)
    return ConfirmedRow(
        trial=number,
        searched=searched,
        n_seeds=made.n_seeds,
        mean=made.mean,
        deviation=_finite(made.deviation),
        low=_finite(made.low),
        high=_finite(made.high),
        optimism_gap=searched - made.mean,
        dropped=dropped,
    )


def _finite(value: float) -> float | None:
    return value if isfinite(value) else None


def _dropped(state: ConfirmationState) -> set[int]:
    runs = state.seed_runs
    raced = {runs[s.index][0] for s in slots_of(state.trials, len(runs)) if s.state == "pruned"}
    return raced | {number for number, _ in runs if number not in state.candidates}


def confirmation_record(winner: Winner) -> Mapping[str, Any] | None:
    """What the winner's confirmation is kept as."""
    if winner.row is None:
        return None
    return vars(winner.row) | {"probability_better": winner.probability}
