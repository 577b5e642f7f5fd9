"""What a study says about its sweep, for people and programs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from optuna import Study
from optuna.trial import FrozenTrial, TrialState

from finesweep.config import RegisterConfig, plain_path
from finesweep.sweep.attributes import (
    BEST_RUN,
    DEFINITION,
    FAILURE,
    LEASE_SECONDS,
    LEDGER,
    MODEL,
    N_TRIALS,
    PARENT_RUN_ID,
    REASON,
    REGISTERED,
    RETRY,
    SLOT,
    STOP,
    SWEEP,
)
from finesweep.sweep.leases import WorkerRow, is_live, workers_of
from finesweep.sweep.slots import DUPLICATE, FINISHED, Slot, SlotState, counts, slots_of
from finesweep.sweep.storage import engine_of
from finesweep.sweep.study import known_finalist

WORKER_FIELDS = ("id", "host", "pid", "slot", "step", "total", "beat_age_seconds")


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
    workers: Sequence[Mapping[str, Any]]
    """id, host, pid, slot, step, beat_age_seconds of each live worker."""
    failures: Sequence[Mapping[str, Any]]
    """slot, trial, reason of each slot that failed for good."""
    interrupted_attempts: int
    """Attempts that were cut off and whose slot was, or will be, tried again."""
    spent: Mapping[str, float]
    """`seconds/part` and `seconds_saved/by` over all attempts, on all workers together."""
    seconds_left: float | None
    """What the waiting and running slots will take, going by those that finished."""
    stopped: str | None
    """Why no new trial begins, if so."""

    @property
    def is_spent(self) -> bool:
        return self.counts["running"] + self.counts["waiting"] == 0


@dataclass(frozen=True)
class Row:
    """One finished trial in the leaderboard."""

    trial: int
    slot: int
    state: str
    value: float | None
    """The objective's; the last reported one for a pruned trial."""
    model: str
    params: Mapping[str, Any]
    seconds: float | None
    reason: str | None


def status_of(study: Study) -> Status:
    attributes = study.user_attrs
    definition, registered = attributes[DEFINITION], attributes.get(REGISTERED)
    trials, target = study.get_trials(deepcopy=False), attributes[N_TRIALS]
    slots, workers = slots_of(trials, target), live_workers(study)
    direction = definition["sweep.direction"]
    by_state = counts(slots)
    return Status(
        sweep=attributes[SWEEP],
        study=study.study_name,
        metric=definition["sweep.metric"],
        direction=direction,
        target=target,
        counts=by_state,
        best=_best(trials, direction, attributes.get(BEST_RUN, {})),
        parent_run_id=attributes.get(PARENT_RUN_ID),
        registered=registered and {key: registered[key] for key in ("name", "version", "alias")},
        workers=[{name: getattr(row, name) for name in WORKER_FIELDS} for row in workers],
        failures=[
            {"slot": s.index, "trial": s.trial.number, "reason": s.trial.user_attrs.get(REASON)}
            for s in slots
            if s.state == "failed" and s.trial is not None
        ],
        interrupted_attempts=sum(
            bool(trial.user_attrs.get(RETRY)) and trial.user_attrs.get(FAILURE) != DUPLICATE
            for trial in trials
        ),
        spent=spent(trials),
        seconds_left=_seconds_left(slots, n_workers=len(workers)),
        stopped=attributes.get(STOP) or None,
    )


def spent(trials: Iterable[FrozenTrial]) -> dict[str, float]:
    """Where the seconds of all attempts went, and what cache and pruning saved."""
    found: dict[str, float] = {}
    for trial in trials:
        for name, value in trial.user_attrs.get(LEDGER, {}).items():
            if name.startswith("seconds"):
                found[name] = found.get(name, 0.0) + value
    return found


def is_spent(study: Study) -> bool:
    """Whether every slot is finished."""
    slots = slots_of(study.get_trials(deepcopy=False), study.user_attrs[N_TRIALS])
    return all(slot.state in FINISHED for slot in slots)


def live_workers(study: Study) -> list[WorkerRow]:
    """Workers that are heard of, or on this machine seen running."""
    lease = float(study.user_attrs.get(LEASE_SECONDS, 120.0))
    rows = workers_of(engine_of(study._storage), study.study_name)
    return [row for row in rows if is_live(row, lease_seconds=lease)]


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
    """One row per finished slot: complete ones, best first, then pruned, then failed ones."""
    sign = -1 if study.direction.name == "MAXIMIZE" else 1
    order = {TrialState.COMPLETE: 0, TrialState.PRUNED: 1, TrialState.FAIL: 2}
    finished = [
        trial
        for trial in study.get_trials(deepcopy=False, states=tuple(order))
        if not trial.user_attrs.get(RETRY)
    ]
    rows = [(order[trial.state], sign * (_value(trial) or 0.0), trial) for trial in finished]
    return [row_of(trial) for _, _, trial in sorted(rows, key=lambda row: (row[0], row[1]))]


def _seconds_left(slots: Sequence[Slot], *, n_workers: int) -> float | None:
    taken = [
        slot.trial.duration.total_seconds()
        for slot in slots
        if slot.state in FINISHED and slot.trial is not None and slot.trial.duration
    ]
    n_left = sum(slot.state not in FINISHED for slot in slots)
    if not n_left:
        return 0.0
    return n_left * sum(taken) / len(taken) / max(1, n_workers) if taken else None


def _best(
    trials: Sequence[FrozenTrial], direction: str, known: Mapping[str, Any]
) -> dict[str, Any] | None:
    complete = [trial for trial in trials if trial.state == TrialState.COMPLETE]
    if not complete:
        return None
    sign = -1 if direction == "maximize" else 1
    best = min(complete, key=lambda trial: (sign * (trial.value or 0.0), trial.number))
    return {
        "trial": best.number,
        "value": best.value,
        "params": {plain_path(name): value for name, value in best.params.items()},
        "run_id": known.get("run_id") if known.get("trial") == best.number else None,
    }


def row_of(trial: FrozenTrial) -> Row:
    return Row(
        trial=trial.number,
        slot=trial.user_attrs.get(SLOT, -1),
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
