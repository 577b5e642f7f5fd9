"""A snapshot of a sweep's studies, read once: the selection rules use nothing else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import optuna
from optuna import Study
from optuna.pruners import NopPruner
from optuna.trial import FrozenTrial

from finesweep.records import Direction, Finalist
from finesweep.registry.records import Registered
from finesweep.sweep.study.keys import (
    CANDIDATES,
    CONFIRMATION,
    N_TRIALS,
    RACED_ANEW,
    REGISTERED,
    SEED_RUNS,
    UID,
)
from finesweep.sweep.study.objectives.front import Front, contenders, front_of
from finesweep.sweep.study.optuna_private import storage_of
from finesweep.sweep.study.ranking import direction_of, ranked
from finesweep.sweep.study.slots import Slot, all_finished, slots_of
from finesweep.sweep.study.study import finalist_in

SeedRun = tuple[int, int]
"""(number of the search's trial, number of the seed)."""


@dataclass(frozen=True)
class StudyState:
    """One study: its name, its user attributes, and its trials by number."""

    name: str
    attributes: Mapping[str, Any]
    trials: Sequence[FrozenTrial]

    @property
    def n_slots(self) -> int:
        return int(self.attributes[N_TRIALS])

    @property
    def slots(self) -> list[Slot]:
        return slots_of(self.trials, self.n_slots)

    @property
    def is_budget_spent(self) -> bool:
        """Whether every slot is finished."""
        return all_finished(self.trials, self.n_slots)

    @property
    def uid(self) -> str:
        """Prefix of the uid of each of its runs; empty in a study from before uids."""
        return str(self.attributes.get(UID, ""))


@dataclass(frozen=True)
class ConfirmationState(StudyState):
    """The study in which the search's best are retrained: slot k trains seed_runs[k]."""

    @cached_property
    def seed_runs(self) -> Sequence[SeedRun]:
        return seed_runs_of(self.attributes)

    @property
    def slots(self) -> list[Slot]:
        """The latest slot of each seed run: earlier ones were skipped when it was not wanted."""
        latest = {run: slot for slot, run in enumerate(self.seed_runs)}
        return slots_of(self.trials, len(self.seed_runs), only=latest.values())

    @property
    def candidates(self) -> Sequence[int]:
        """Numbers of the search's trials that are confirmed, best first."""
        return list(self.attributes[CANDIDATES])

    @property
    def is_raced_anew(self) -> bool:
        """Whether one that was raced out is back once the results no longer find it worse."""
        return bool(self.attributes.get(RACED_ANEW))


@dataclass(frozen=True)
class SweepState(StudyState):
    """The search's study and, once created, the confirmation's."""

    direction: Direction
    confirmation: ConfirmationState | None

    @cached_property
    def ranked(self) -> Sequence[FrozenTrial]:
        """Complete trials, the best first."""
        return ranked(self.trials, self.direction)

    @cached_property
    def front(self) -> Front | None:
        """The Pareto front of several objectives; None with one."""
        return front_of(self.trials, self.attributes)

    @cached_property
    def contenders(self) -> Sequence[FrozenTrial]:
        """Complete trials that may win, the best first: of several objectives the front."""
        return contenders(self.trials, self.attributes, self.direction)

    @property
    def finalist(self) -> Finalist | None:
        """The winner as evaluated on the test split; None before that."""
        return finalist_in(self.attributes)

    @property
    def standing_finalist(self) -> Finalist | None:
        """The finalist; None while others are searched, or confirmed against it."""
        finalist, confirmation = self.finalist, self.confirmation
        if finalist is None or not self.is_budget_spent:
            return None
        if finalist.confirmed and confirmation is not None and not confirmation.is_budget_spent:
            return None
        return finalist

    @property
    def registered(self) -> Registered | None:
        """The registered version of the finalist; None before that."""
        claim = self.attributes.get(REGISTERED)
        return None if claim is None else Registered(**claim)


def read_state(study: Study) -> SweepState:
    """The sweep's current state; both studies are read once."""
    attributes = study.user_attrs
    confirmation = confirmation_study(study, attributes)
    return SweepState(
        name=study.study_name,
        attributes=attributes,
        trials=study.get_trials(deepcopy=False),
        direction=direction_of(study),
        confirmation=None if confirmation is None else read_confirmation(confirmation),
    )


def read_confirmation(study: Study) -> ConfirmationState:
    """The confirmation's current state."""
    return ConfirmationState(study.study_name, study.user_attrs, study.get_trials(deepcopy=False))


def confirmation_study(study: Study, attributes: Mapping[str, Any] | None = None) -> Study | None:
    """The confirmation study of a search's study; None before it was created.

    attributes are the search's, where they have already been read.
    """
    name = (study.user_attrs if attributes is None else attributes).get(CONFIRMATION)
    if name is None:
        return None
    return optuna.load_study(study_name=name, storage=storage_of(study), pruner=NopPruner())


def studies_of(study: Study) -> dict[str, Study]:
    """Kind of run → study with such runs: the search and, once created, its confirmation."""
    confirmation = confirmation_study(study)
    return {"trial": study} | ({} if confirmation is None else {"confirmation": confirmation})


def seed_runs_of(attributes: Mapping[str, Any]) -> list[SeedRun]:
    """(trial, seed) of each slot of the confirmation."""
    return [(int(trial), int(seed)) for trial, seed in attributes[SEED_RUNS]]
