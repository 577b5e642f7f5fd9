"""What a study says about its sweep, for people and programs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from optuna import Study
from optuna.trial import FrozenTrial, TrialState

from finesweep.config import RegisterConfig, plain_path
from finesweep.sweep.attributes import (
    DEFINITION,
    MODEL,
    N_TRIALS,
    PARENT_RUN_ID,
    REASON,
    REGISTERED,
    RUN_ID,
    SWEEP,
)
from finesweep.sweep.slots import SlotState, counts, slots_of
from finesweep.sweep.study import known_finalist


@dataclass(frozen=True)
class Status:
    """One sweep at one moment; its fields are those of `status --json`."""

    sweep: str
    study: str
    metric: str
    direction: str
    target: int
    """Slots: n_trials."""
    counts: Mapping[SlotState, int]
    """Slots by state; they sum to target."""
    best: Mapping[str, Any] | None
    """trial, value, params by plain path, run_id."""
    parent_run_id: str | None
    registered: Mapping[str, Any] | None
    """name, version, alias."""

    @property
    def is_spent(self) -> bool:
        return self.counts["running"] + self.counts["waiting"] == 0


@dataclass(frozen=True)
class Row:
    """One finished trial in the leaderboard."""

    trial: int
    state: str
    value: float | None
    """The objective's; the last reported one for a pruned trial."""
    model: str
    params: Mapping[str, Any]
    seconds: float | None
    reason: str | None


def status_of(study: Study) -> Status:
    attributes, definition = study.user_attrs, study.user_attrs[DEFINITION]
    trials, target = study.get_trials(deepcopy=False), attributes[N_TRIALS]
    registered = attributes.get(REGISTERED)
    return Status(
        sweep=attributes[SWEEP],
        study=study.study_name,
        metric=definition["sweep.metric"],
        direction=definition["sweep.direction"],
        target=target,
        counts=counts(slots_of(trials, target)),
        best=_best(study),
        parent_run_id=attributes.get(PARENT_RUN_ID),
        registered=registered and {key: registered[key] for key in ("name", "version", "alias")},
    )


def is_settled(study: Study, register: RegisterConfig | None) -> bool:
    """Whether nothing is left to do: slots spent, winner evaluated, and registered as wanted."""
    status, finalist = status_of(study), known_finalist(study)
    if not status.is_spent or status.best is None:
        return status.is_spent
    if finalist is None or finalist.trial != status.best["trial"]:
        return False
    made = study.user_attrs.get(REGISTERED)
    if register is None or made is None:
        return register is None
    wanted = (register.name, register.alias, finalist.model_uri)
    return (made["name"], made["alias"], made["model_uri"]) == wanted


def leaderboard(study: Study) -> list[Row]:
    """Finished trials: complete ones, best first, then pruned, then failed ones."""
    sign = -1 if study.direction.name == "MAXIMIZE" else 1
    order = {TrialState.COMPLETE: 0, TrialState.PRUNED: 1, TrialState.FAIL: 2}
    finished = study.get_trials(deepcopy=False, states=tuple(order))
    rows = [(order[trial.state], sign * (_value(trial) or 0.0), trial) for trial in finished]
    return [_row(trial) for _, _, trial in sorted(rows, key=lambda row: (row[0], row[1]))]


def _best(study: Study) -> dict[str, Any] | None:
    if not study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,)):
        return None
    best = study.best_trial
    return {
        "trial": best.number,
        "value": best.value,
        "params": {plain_path(name): value for name, value in best.params.items()},
        "run_id": best.user_attrs[RUN_ID],
    }


def _row(trial: FrozenTrial) -> Row:
    return Row(
        trial=trial.number,
        state=trial.state.name,
        value=_value(trial),
        model=trial.user_attrs.get(MODEL, ""),
        params={plain_path(name): value for name, value in trial.params.items()},
        seconds=trial.duration.total_seconds() if trial.duration else None,
        reason=trial.user_attrs.get(REASON),
    )


def _value(trial: FrozenTrial) -> float | None:
    """The objective's value; for a pruned trial Optuna's value, which is its last report."""
    return None if trial.state == TrialState.FAIL else trial.value
