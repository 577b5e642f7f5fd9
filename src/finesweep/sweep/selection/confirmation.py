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
from finesweep.stats.seed_race import Confirmed, confirm, leader, probability_better, still_in
from finesweep.sweep.study.keys import CANDIDATES, CONFIRMATION, N_TRIALS, PAIRS, SLOT, UID, VALUES
from finesweep.sweep.study.optuna_private import storage_of
from finesweep.sweep.study.ranking import complete, direction_of, ranked, worse_by
from finesweep.sweep.study.slots import FINISHED, slots_of

SUFFIX = "+confirmation"
"""Behind a study's name; no sweep's own name has a plus sign."""
SEED = "training.seed"
Pair = tuple[int, int]
"""Number of the search's trial, and of the seed."""


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
    study: Study
    """Where `best` lies: the search's own, or that of the confirmation."""
    best: FrozenTrial
    """The best-validated run of the configuration."""
    row: ConfirmedRow | None
    """None where nothing was to be confirmed."""
    probability: float | None
    """That it really is better than the second."""

    @property
    def uid(self) -> str:
        return f"{self.study.user_attrs.get(UID, '')}/{self.best.number}"


def candidates(study: Study, wanted: ConfirmConfig) -> list[int]:
    """The search's best trials, best first, each configuration once whatever its seed."""
    found: dict[str, int] = {}
    for trial in ranked(study.get_trials(deepcopy=False), direction_of(study)):
        own = {path: value for path, value in trial.user_attrs[VALUES].items() if path != SEED}
        found.setdefault(json.dumps(own, sort_keys=True), trial.number)
    return list(found.values())[: wanted.top_k]


def confirmation_of(study: Study) -> Study | None:
    """The study beside the search's; None before it was made."""
    name = study.user_attrs.get(CONFIRMATION)
    if name is None:
        return None
    return optuna.load_study(study_name=name, storage=storage_of(study), pruner=NopPruner())


def studies_of(study: Study) -> dict[str, Study]:
    """Kind of run → the study of such runs: the search's own, then, once made, its confirmation."""
    confirmation = confirmation_of(study)
    return {"trial": study} | ({} if confirmation is None else {"confirmation": confirmation})


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
        made.set_user_attr(PAIRS, [])
        made.set_user_attr(CANDIDATES, [])
        made.set_user_attr(N_TRIALS, 0)
    if study.user_attrs.get(CONFIRMATION) != made.study_name:
        study.set_user_attr(CONFIRMATION, made.study_name)
    return made


def enlist(confirmation: Study, chosen: Sequence[int], *, n_seeds: int) -> None:
    """Gives every chosen trial n_seeds slots, those of the first seed first; callers hold a lock.

    Slots that were there keep their numbers: a search that went on loses no seed it has paid for.
    """
    had = pairs_of(confirmation)
    wanted = [(trial, seed) for seed in range(n_seeds) for trial in chosen]
    pairs = [*had, *(pair for pair in wanted if pair not in had)]
    known = confirmation.user_attrs
    for name, value in (
        (PAIRS, [list(pair) for pair in pairs]),
        (CANDIDATES, list(chosen)),
        (N_TRIALS, len(pairs)),
    ):
        if known[name] != value:
            confirmation.set_user_attr(name, value)


def needless(confirmation: Study, *, n_seeds: int) -> list[int]:
    """Slots that wait although their configuration cannot win, or is not wanted any more."""
    trials = confirmation.get_trials(deepcopy=False)
    pairs = pairs_of(confirmation)
    values = _values(trials, pairs, confirmation.user_attrs[CANDIDATES])
    kept = still_in(values, direction_of(confirmation)) if values else set()
    kept |= {trial for trial in confirmation.user_attrs[CANDIDATES] if trial not in values}
    slots = slots_of(trials, len(pairs))
    wanted = {
        index for index, (trial, seed) in enumerate(pairs) if trial in kept and seed < n_seeds
    }
    return [slot.index for slot in slots if slot.state == "waiting" and slot.index not in wanted]


def is_confirmed(study: Study, wanted: ConfirmConfig | None) -> bool:
    """Whether the search's best, as it now stands, have had all the seeds that they need."""
    if wanted is None or not (chosen := candidates(study, wanted)):
        return True
    confirmation = confirmation_of(study)
    if confirmation is None or confirmation.user_attrs[CANDIDATES] != chosen:
        return False
    pairs = pairs_of(confirmation)
    if {(trial, seed) for trial in chosen for seed in range(wanted.seeds)} - set(pairs):
        return False
    slots = slots_of(confirmation.get_trials(deepcopy=False), len(pairs))
    return all(slot.state in FINISHED for slot in slots)


def rows_of(study: Study, confirmation: Study) -> list[ConfirmedRow]:
    """One row for each configuration that was to be confirmed: those still in first, best first."""
    trials, pairs = confirmation.get_trials(deepcopy=False), pairs_of(confirmation)
    values = _values(trials, pairs, {trial for trial, _ in pairs})
    out = _dropped(trials, pairs, confirmation.user_attrs[CANDIDATES])
    searched = {trial.number: trial.value for trial in study.get_trials(deepcopy=False)}
    made, worse = confirm(values), worse_by(direction_of(study))
    rows = [
        _row(number, float(searched[number] or 0.0), made.get(number), dropped=number in out)
        for number in dict.fromkeys(trial for trial, _ in pairs)
    ]
    return sorted(rows, key=lambda row: (row.n_seeds == 0, row.dropped, worse(row.mean)))


def winner_of(study: Study, wanted: ConfirmConfig | None) -> Winner | None:
    """The confirmed winner, or without confirmation the search's best; None when none completed.

    Among configurations that were confirmed the best mean wins; of that one the seed that
    validated best. Where all seeds of all configurations failed it is the search's best.
    """
    direction = direction_of(study)
    searched = ranked(study.get_trials(deepcopy=False), direction)
    if not searched:
        return None
    plain = Winner(searched[0].number, study, searched[0], None, None)
    confirmation = confirmation_of(study) if wanted else None
    if confirmation is None:
        return plain
    rows = {row.trial: row for row in rows_of(study, confirmation) if row.n_seeds}
    if all(row.dropped for row in rows.values()):
        return plain
    trials, pairs = confirmation.get_trials(deepcopy=False), pairs_of(confirmation)
    values = _values(trials, pairs, rows)
    first = leader({k: each for k, each in values.items() if not rows[k].dropped}, direction)
    others = {number: each for number, each in values.items() if number != first}
    second = leader(others, direction) if others else None
    return Winner(
        first,
        confirmation,
        best_seeds(trials, pairs, direction)[first],
        rows[first],
        None if second is None else probability_better(values, first, second, direction),
    )


def is_of(finalist: Finalist, winner: Winner) -> bool:
    """Finalists of before confirmation name the trial alone."""
    known = finalist.uid == winner.uid or (not finalist.uid and winner.row is None)
    return known and finalist.trial == winner.trial


def best_seeds(
    trials: Iterable[FrozenTrial], pairs: Sequence[Pair], direction: Direction
) -> dict[int, FrozenTrial]:
    """Configuration → its best-validated run, of those that have one."""
    found: dict[int, FrozenTrial] = {}
    for trial in ranked(trials, direction):
        found.setdefault(pairs[trial.user_attrs[SLOT]][0], trial)
    return found


def pairs_of(confirmation: Study) -> list[Pair]:
    """What each slot trains."""
    return [(int(trial), int(seed)) for trial, seed in confirmation.user_attrs[PAIRS]]


def _values(
    trials: Iterable[FrozenTrial], pairs: Sequence[Pair], wanted: Iterable[int]
) -> dict[int, list[float]]:
    """Configuration → values of its seeds, in the order of the search's ranking."""
    found: dict[int, list[float]] = {number: [] for number in wanted}
    for trial in complete(trials):
        number = pairs[trial.user_attrs[SLOT]][0]
        if number in found:
            found[number].append(float(trial.value or 0.0))
    return {number: values for number, values in found.items() if values}


def _row(number: int, searched: float, made: Confirmed | None, *, dropped: bool) -> ConfirmedRow:
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


def _dropped(
    trials: Sequence[FrozenTrial], pairs: Sequence[Pair], chosen: Sequence[int]
) -> set[int]:
    slots = slots_of(trials, len(pairs))
    raced = {pairs[slot.index][0] for slot in slots if slot.state == "pruned"}
    return raced | {number for number, _ in pairs if number not in chosen}


def described(winner: Winner) -> Mapping[str, Any] | None:
    """What the winner's confirmation is kept as."""
    if winner.row is None:
        return None
    return vars(winner.row) | {"probability_better": winner.probability}
