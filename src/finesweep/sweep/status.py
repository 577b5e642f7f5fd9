"""What a study says about its sweep, for people and programs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from optuna import Study
from optuna.trial import FrozenTrial, TrialState

from finesweep.sweep.attempt import RUN_ID
from finesweep.sweep.slots import REASON, SlotState, counts, slots_of
from finesweep.sweep.space import plain
from finesweep.sweep.study import (
    DEFINITION,
    N_TRIALS,
    PARENT_RUN_ID,
    REGISTERED,
    SWEEP,
)


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
    """The best value reached: the objective's for complete trials, the last seen for pruned ones."""
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
        "params": {plain(name): value for name, value in best.params.items()},
        "run_id": best.user_attrs[RUN_ID],
    }


def _row(trial: FrozenTrial) -> Row:
    return Row(
        trial=trial.number,
        state=trial.state.name,
        value=_value(trial),
        model=trial.user_attrs.get("model", ""),
        params={plain(name): value for name, value in trial.params.items()},
        seconds=trial.duration.total_seconds() if trial.duration else None,
        reason=trial.user_attrs.get(REASON),
    )


def _value(trial: FrozenTrial) -> float | None:
    if trial.state == TrialState.FAIL:
        return None
    return trial.value if trial.value is not None else None
