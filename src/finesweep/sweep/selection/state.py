"""What a sweep's studies hold at one moment, read once: rules of the selection ask nothing else."""

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
    REGISTERED,
    SEED_RUNS,
    UID,
)
from finesweep.sweep.study.optuna_private import storage_of
from finesweep.sweep.study.ranking import direction_of, ranked
from finesweep.sweep.study.slots import all_finished
from finesweep.sweep.study.study import finalist_in

SeedRun = tuple[int, int]
"""Number of the search's trial, and of the seed."""


@dataclass(frozen=True)
class StudyState:
    """One study: its name, what was written on it, and its trials by number."""

    name: str
    attributes: Mapping[str, Any]
    trials: Sequence[FrozenTrial]

    @property
    def n_slots(self) -> int:
        return int(self.attributes[N_TRIALS])

    @property
    def is_budget_spent(self) -> bool:
        """Whether every slot is finished."""
        return all_finished(self.trials, self.n_slots)

    @property
    def uid(self) -> str:
        """Part of the id of each of its runs; empty in a study older than ids."""
        return str(self.attributes.get(UID, ""))


@dataclass(frozen=True)
class ConfirmationState(StudyState):
    """The study in which the search's best are trained again: slot k trains seed_runs[k]."""

    @cached_property
    def seed_runs(self) -> Sequence[SeedRun]:
        return seed_runs_of(self.attributes)

    @property
    def candidates(self) -> Sequence[int]:
        """Trials of the search that were chosen when it was last looked at, best first."""
        return list(self.attributes[CANDIDATES])


@dataclass(frozen=True)
class SweepState(StudyState):
    """The search's study and, once made, the confirmation's."""

    direction: Direction
    confirmation: ConfirmationState | None

    @cached_property
    def ranked(self) -> Sequence[FrozenTrial]:
        """Complete trials, the best first."""
        return ranked(self.trials, self.direction)

    @property
    def finalist(self) -> Finalist | None:
        """What was evaluated on the test split."""
        return finalist_in(self.attributes)

    @property
    def registered(self) -> Registered | None:
        """The version that was made of it."""
        claim = self.attributes.get(REGISTERED)
        return None if claim is None else Registered(**claim)


def read_state(study: Study) -> SweepState:
    """The sweep's state now; both studies are read once."""
    attributes = study.user_attrs
    beside = confirmation_study(study, attributes)
    return SweepState(
        name=study.study_name,
        attributes=attributes,
        trials=study.get_trials(deepcopy=False),
        direction=direction_of(study),
        confirmation=None if beside is None else read_confirmation(beside),
    )


def read_confirmation(study: Study) -> ConfirmationState:
    """The confirmation's state now."""
    return ConfirmationState(study.study_name, study.user_attrs, study.get_trials(deepcopy=False))


def confirmation_study(study: Study, attributes: Mapping[str, Any] | None = None) -> Study | None:
    """The study beside the search's; None before it was made. attributes are the search's own."""
    name = (study.user_attrs if attributes is None else attributes).get(CONFIRMATION)
    if name is None:
        return None
    return optuna.load_study(study_name=name, storage=storage_of(study), pruner=NopPruner())


def studies_of(study: Study) -> dict[str, Study]:
    """Kind of run → the study of such runs: the search's own, then, once made, its confirmation."""
    beside = confirmation_study(study)
    return {"trial": study} | ({} if beside is None else {"confirmation": beside})


def seed_runs_of(attributes: Mapping[str, Any]) -> list[SeedRun]:
    """What each slot of the confirmation trains."""
    return [(int(trial), int(seed)) for trial, seed in attributes[SEED_RUNS]]
