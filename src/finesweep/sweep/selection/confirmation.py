"""Which configurations are retrained with fresh seeds, and which of them wins.

The minimum of many noisy values is too optimistic (the winner's curse). So the best few of the
search are confirmed in a study of their own, NAME+confirmation, in which each slot is one (trial of
the search, seed). Configurations that can no longer win are dropped.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from math import isclose, isfinite
from statistics import fmean
from typing import Any

import optuna
from optuna import Study
from optuna.pruners import NopPruner
from optuna.trial import FrozenTrial

from finesweep.config import ConfirmConfig
from finesweep.config.agreement.objectives import BEST_FIRST
from finesweep.records import Direction, Finalist
from finesweep.stats.metric_names import COSTS
from finesweep.stats.seed_race import (
    SeedSummary,
    Values,
    leader,
    probability_better,
    race_survivors,
    summarize_seeds,
)
from finesweep.sweep.selection.combination import Combination, combination_of
from finesweep.sweep.selection.pick import Picked, pick_of
from finesweep.sweep.selection.state import (
    ConfirmationState,
    SeedRun,
    StudyState,
    SweepState,
    read_confirmation,
)
from finesweep.sweep.study.keys import (
    CANDIDATES,
    CONFIRMATION,
    CONFIRMATION_SUFFIX,
    N_TRIALS,
    OBJECTIVES,
    RACED,
    RACED_ANEW,
    SEED_RUNS,
    SKIPPED,
    SLOT,
    UID,
    UNWANTED,
    VALUES,
)
from finesweep.sweep.study.objectives.front import Front
from finesweep.sweep.study.optuna_private import storage_of
from finesweep.sweep.study.ranking import complete, direction_of, ranked, worse_by
from finesweep.sweep.study.slots import Slot, all_finished

SEED = "training.seed"


@dataclass(frozen=True)
class ConfirmedRow:
    """One configuration, retrained with fresh seeds."""

    trial: int
    """Number of the search's trial."""
    searched: float
    """Objective value in the search."""
    n_seeds: int
    """Number of finished seeds."""
    mean: float | None
    """Mean objective over the finished seeds; None before the first."""
    deviation: float | None
    """Standard deviation between seeds; None with one seed."""
    low: float | None
    high: float | None
    """95 % interval of the mean; None while the variance between seeds is unknown."""
    optimism_gap: float | None
    """Objective value in the search minus the mean."""
    dropped: bool
    """Whether it can no longer win, or is no longer among the search's best."""


@dataclass(frozen=True)
class Winner:
    """The configuration to evaluate and register, and the trial whose weights are used."""

    trial: int
    """Number of the search's trial."""
    study: StudyState
    """Study of `best`: the search's or the confirmation's."""
    best: FrozenTrial
    """Trial of the configuration with the best validation."""
    row: ConfirmedRow | None
    """Its confirmation; None without one."""
    probability: float | None
    """Probability that it is better than the runner-up, in [0, 1]; None with several objectives."""
    picked: Picked | None = None
    """By which rule it was picked from a Pareto front; None with one objective."""
    combination: Combination | None = None
    """Its seeds combined, if that is better than the best one."""
    runner_up: int | None = None
    """The next best of those that can still win, or, if it is alone, of all."""

    @property
    def uid(self) -> str:
        """UID of the run with the weights to evaluate."""
        own = self.best.number if self.combination is None else self.combination.key
        return f"{self.study.uid}/{own}"

    @property
    def best_seed_uid(self) -> str:
        return f"{self.study.uid}/{self.best.number}"


def candidates(searched: Iterable[FrozenTrial], config: ConfirmConfig) -> list[int]:
    """Numbers of the top_k trials to confirm; each configuration once, whatever its seed.

    searched are those of the search's trials that may win, best first.
    """
    numbers: dict[str, int] = {}
    for trial in searched:
        own = {path: value for path, value in trial.user_attrs[VALUES].items() if path != SEED}
        numbers.setdefault(json.dumps(own, sort_keys=True), trial.number)
    return list(numbers.values())[: config.top_k]


def make_confirmation(study: Study) -> Study:
    """The confirmation study of a search's study, created if missing; callers hold a lock."""
    confirmation = optuna.create_study(
        study_name=study.study_name + CONFIRMATION_SUFFIX,
        storage=storage_of(study),
        direction=study.direction,
        pruner=NopPruner(),
        load_if_exists=True,
    )
    if UID not in confirmation.user_attrs:
        confirmation.set_user_attr(UID, f"{study.user_attrs[UID]}/confirmation")
        confirmation.set_user_attr(SEED_RUNS, [])
        confirmation.set_user_attr(CANDIDATES, [])
        confirmation.set_user_attr(N_TRIALS, 0)
        confirmation.set_user_attr(RACED_ANEW, True)
    if study.user_attrs.get(CONFIRMATION) != confirmation.study_name:
        study.set_user_attr(CONFIRMATION, confirmation.study_name)
    return confirmation


def add_seed_slots(confirmation: Study, chosen: Sequence[int], *, n_seeds: int) -> None:
    """Adds n_seeds slots for every chosen trial, first seeds first; callers hold a lock.

    Existing slots keep their numbers, so a search that is continued reuses every finished seed; one
    that was skipped as unwanted gets another slot once it is wanted, and one that was raced out
    once its configuration can win again. A confirmation that goes on is raced anew.
    """
    state = read_confirmation(confirmation)
    required = [(trial, seed) for seed in range(n_seeds) for trial in chosen]
    direction = direction_of(confirmation)
    wanted = replace(state, attributes={**state.attributes, CANDIDATES: list(chosen)})
    goes_on = (
        state.candidates != wanted.candidates
        or not _usable_runs(state, direction).issuperset(required)
        or not all_finished(state.trials, len(state.seed_runs))
    )
    if goes_on:
        wanted = replace(wanted, attributes={**wanted.attributes, RACED_ANEW: True})
    usable = _usable_runs(wanted, direction)
    runs = [*state.seed_runs, *(run for run in required if run not in usable)]
    for name, value in {
        **wanted.attributes,
        SEED_RUNS: [list(run) for run in runs],
        N_TRIALS: len(runs),
    }.items():
        if state.attributes.get(name) != value:
            confirmation.set_user_attr(name, value)


def slots_to_skip(
    state: ConfirmationState, direction: Direction, *, n_seeds: int, is_race: bool = True
) -> dict[int, str]:
    """Waiting slot that need not run → RACED or UNWANTED.

    Without a race every candidate may win: of several objectives, one that is worse by the first.
    """
    survivors = _survivors(state, direction) if is_race else set(state.candidates)
    skipped: dict[int, str] = {}
    for slot in (each for each in state.slots if each.state == "waiting"):
        trial, seed = state.seed_runs[slot.index]
        if trial not in state.candidates or seed >= n_seeds:
            skipped[slot.index] = UNWANTED
        elif trial not in survivors:
            skipped[slot.index] = RACED
    return skipped


def is_confirmed(state: SweepState, config: ConfirmConfig | None) -> bool:
    """Whether every seed of the search's current candidates is finished or dropped."""
    if config is None or not (chosen := candidates(state.contenders, config)):
        return True
    confirmation = state.confirmation
    if confirmation is None or confirmation.candidates != chosen:
        return False
    runs = {(trial, seed) for trial in chosen for seed in range(config.seeds)}
    if runs - _usable_runs(confirmation, state.direction):
        return False
    return all_finished(confirmation.trials, len(confirmation.seed_runs))


def confirmation_table(state: SweepState) -> list[ConfirmedRow]:
    """One row per configuration of the confirmation: those still in the race first, best first;
    empty before the confirmation starts."""
    if (confirmation := state.confirmation) is None:
        return []
    values = _values(confirmation, {trial for trial, _ in confirmation.seed_runs})
    out = _dropped(confirmation, state.direction)
    searched = {trial.number: trial.value for trial in state.trials}
    means, worse = summarize_seeds(values), worse_by(state.direction)
    rows = [
        _row(number, float(searched[number] or 0.0), means.get(number), dropped=number in out)
        for number in dict.fromkeys(trial for trial, _ in confirmation.seed_runs)
    ]
    return sorted(rows, key=lambda row: (row.n_seeds == 0, row.dropped, worse(row.mean)))


def winner_of(
    state: SweepState, config: ConfirmConfig | None, pick: Any = BEST_FIRST
) -> Winner | None:
    """The confirmed winner; without confirmation the search's best; None when no trial completed.

    The confirmed configuration with the best mean wins, with the weights of its best-validated
    seed, or of its seeds combined where that was found better. When every seed failed, the search's
    best wins. Of several objectives the rule `pick` takes one of the front.
    """
    if not state.ranked:
        return None
    best, direction = state.ranked[0], state.direction
    plain = Winner(best.number, state, best, None, None)
    if (front := state.front) is not None:
        picked = pick_of(pick, {n: front.values[n] for n in front.members}, front.objectives)
        best = next(trial for trial in state.ranked if trial.number == picked.trial)
        plain = Winner(best.number, state, best, None, None, picked)
    confirmation = state.confirmation if config else None
    if confirmation is None:
        return plain
    rows = {row.trial: row for row in confirmation_table(state) if row.n_seeds}
    if all(row.dropped for row in rows.values()):
        return plain
    values = _values(confirmation, rows)
    if front is not None:
        racing = {number for number, row in rows.items() if not row.dropped}
        means = confirmed_values(confirmation, front, racing)
        picked = pick_of(pick, means, front.objectives)
        chosen, row = best_seeds(confirmation, direction)[picked.trial], rows[picked.trial]
        combined = _combined(state, config, picked.trial)
        return Winner(picked.trial, confirmation, chosen, row, None, picked, combined)
    can_win = {number: seeds for number, seeds in values.items() if not rows[number].dropped}
    first = leader(can_win, direction)
    others = _without(first, can_win) or _without(first, values)
    second = leader(others, direction) if others else None
    return Winner(
        first,
        confirmation,
        best_seeds(confirmation, direction)[first],
        rows[first],
        None if second is None else probability_better(values, first, second, direction),
        combination=_combined(state, config, first),
        runner_up=second,
    )


def _without(number: int, values: Values) -> Values:
    return {other: seeds for other, seeds in values.items() if other != number}


def _combined(state: SweepState, config: ConfirmConfig | None, number: int) -> Combination | None:
    """How the seeds of a configuration are combined; None if its best one alone is better."""
    found = None if config is None else combination_of(state, config, number)
    return found if found is not None and found.is_combined else None


def confirmed_values(
    state: ConfirmationState, front: Front, numbers: Iterable[int]
) -> dict[int, Mapping[str, float]]:
    """Configuration → metric → mean over its seeds, for these ones; costs, which do not depend on
    the seed, are those of the front."""
    recorded: dict[int, list[Mapping[str, float]]] = {number: [] for number in numbers}
    for trial in complete(state.trials):
        number = state.seed_runs[trial.user_attrs[SLOT]][0]
        if number in recorded:
            recorded[number].append(trial.user_attrs[OBJECTIVES])
    names = [each.metric for each in front.objectives]
    return {
        number: {
            name: front.values[number][name]
            if name in COSTS
            else fmean(values[name] for values in seeds)
            for name in names
        }
        for number, seeds in recorded.items()
        if seeds
    }


def is_combined(state: SweepState, config: ConfirmConfig | None, winner: Winner) -> bool:
    """Whether the winner's seeds were combined as configured, or there is nothing to combine."""
    if config is None or not config.combines or winner.row is None:
        return True
    return combination_of(state, config, winner.trial) is not None


def kept_seeds(
    state: ConfirmationState, config: ConfirmConfig, direction: Direction
) -> list[FrozenTrial]:
    """Trials of the confirmation whose weights are kept: the best seed of each configuration and,
    if the winner's are to be combined, all seeds of those that can still win."""
    best = list(best_seeds(state, direction).values())
    if not config.combines:
        return best
    out, known = _dropped(state, direction), {trial.number for trial in best}
    return best + [
        trial
        for trial in complete(state.trials)
        if trial.number not in known and state.seed_runs[trial.user_attrs[SLOT]][0] not in out
    ]


def is_result_of(finalist: Finalist, winner: Winner) -> bool:
    """Whether the finalist was evaluated from the winner's weights.

    Finalists recorded before confirmation existed name only the trial.
    """
    is_same_run = finalist.uid == winner.uid or (not finalist.uid and winner.row is None)
    return is_same_run and finalist.trial == winner.trial


def up_to_date(finalist: Finalist, winner: Winner) -> Finalist:
    """The finalist with what follows from the studies as they are now: why it was picked from a
    front, and its confirmation."""
    return replace(finalist, picked=picked_record(winner), confirmed=confirmation_record(winner))


def is_up_to_date(finalist: Finalist, winner: Winner) -> bool:
    """Whether up_to_date would tell nothing else; what an older version did not record is
    nothing."""
    recorded, current = finalist.confirmed or {}, confirmation_record(winner) or {}
    if finalist.picked != picked_record(winner) or bool(recorded) != bool(current):
        return False
    return all(_is_same(value, current.get(name)) for name, value in recorded.items())


def _is_same(value: Any, other: Any) -> bool:
    """Whether they are equal, but for digits that depend on SciPy's version."""
    if isinstance(value, float) and isinstance(other, float):
        return isclose(value, other, rel_tol=1e-6, abs_tol=1e-9)
    return bool(value == other)


def best_seeds(state: ConfirmationState, direction: Direction) -> dict[int, FrozenTrial]:
    """Configuration → its best-validated trial; configurations without a complete trial are left
    out."""
    best: dict[int, FrozenTrial] = {}
    for trial in ranked(state.trials, direction):
        best.setdefault(state.seed_runs[trial.user_attrs[SLOT]][0], trial)
    return best


def _values(state: ConfirmationState, numbers: Iterable[int]) -> dict[int, list[float]]:
    """Configuration → objective values of its complete seeds, where there are any."""
    values: dict[int, list[float]] = {number: [] for number in numbers}
    for trial in complete(state.trials):
        number = state.seed_runs[trial.user_attrs[SLOT]][0]
        if number in values:
            values[number].append(float(trial.value or 0.0))
    return {number: seeds for number, seeds in values.items() if seeds}


def _row(
    number: int, searched: float, summary: SeedSummary | None, *, dropped: bool
) -> ConfirmedRow:
    if summary is None:
        return ConfirmedRow(number, searched, 0, None, None, None, None, None, dropped)
    return ConfirmedRow(
        trial=number,
        searched=searched,
        n_seeds=summary.n_seeds,
        mean=summary.mean,
        deviation=_finite(summary.deviation),
        low=_finite(summary.low),
        high=_finite(summary.high),
        optimism_gap=searched - summary.mean,
        dropped=dropped,
    )


def _finite(value: float) -> float | None:
    return value if isfinite(value) else None


def _survivors(state: ConfirmationState, direction: Direction) -> set[int]:
    """Candidates that may still win by the results so far; without a result each may."""
    values = _values(state, state.candidates)
    survivors = race_survivors(values, direction) if values else set()
    return survivors | {trial for trial in state.candidates if trial not in values}


def _dropped(state: ConfirmationState, direction: Direction) -> set[int]:
    """Configurations that can no longer win, or are no longer among the search's best."""
    left = {number for number, _ in state.seed_runs if number not in state.candidates}
    return left | {number for number, _ in _raced_out(state, direction)}


def _usable_runs(state: ConfirmationState, direction: Direction) -> set[SeedRun]:
    """The seed runs with a result, or a slot that may still get one or is raced out."""
    runs = {state.seed_runs[s.index] for s in state.slots if s.state != "pruned"}
    return runs | _raced_out(state, direction)


def _raced_out(state: ConfirmationState, direction: Direction) -> set[SeedRun]:
    """The seed runs that were skipped because their configuration cannot win, and still cannot."""
    skipped = [s.index for s in state.slots if s.state == "pruned" and not _is_unwanted(s)]
    back = _survivors(state, direction) if skipped and state.is_raced_anew else set()
    return {run for run in map(state.seed_runs.__getitem__, skipped) if run[0] not in back}


def _is_unwanted(slot: Slot) -> bool:
    """Whether it was skipped as unwanted; without a reason, of an older study, it was raced out."""
    return slot.trial is not None and slot.trial.user_attrs.get(SKIPPED) == UNWANTED


def picked_record(winner: Winner) -> Mapping[str, Any] | None:
    """Why the winner was picked from a front, as stored with the finalist; None with one
    objective."""
    return None if winner.picked is None else asdict(winner.picked)


def confirmation_record(winner: Winner) -> Mapping[str, Any] | None:
    """The winner's confirmation as stored with the finalist; None without one."""
    if winner.row is None:
        return None
    odds = {"probability_better": winner.probability, "runner_up": winner.runner_up}
    return vars(winner.row) | odds
