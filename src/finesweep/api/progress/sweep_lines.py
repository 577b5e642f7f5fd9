"""The lines of a running sweep: its slots, and what each worker does, from what its study says."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from finesweep.api.progress.columns import Bar, Column
from finesweep.sweep.selection.state import StudyState, SweepState
from finesweep.sweep.status import Status
from finesweep.sweep.study.keys import ATTEMPT, DEFINITION, MODEL, VALUES
from finesweep.sweep.study.leases import WorkerRow
from finesweep.sweep.study.slots import FINISHED, counts
from finesweep.sweep.time_left import share_done
from finesweep.wording import counted, duration

EPOCHS = "training.epochs"


@dataclass(frozen=True)
class Snapshot:
    """A sweep at one moment, as its study says."""

    state: SweepState
    status: Status
    workers: Sequence[WorkerRow]
    """Those at a trial by slot, then the idle ones."""
    seconds_left: float | None

    @property
    def is_finished(self) -> bool:
        """Whether every slot is finished, those of the confirmation included."""
        confirmation = self.state.confirmation
        is_confirmed = confirmation is None or confirmation.is_budget_spent
        return (
            self.status.is_budget_spent
            and is_confirmed
            and all(row.slot is None for row in self.workers)
        )


def slot_columns(snapshot: Snapshot, begun: float) -> list[Column]:
    """A line for the search and, once it has begun, one for the confirmation.

    begun is by time.monotonic(). Narrow screens lose the counts of pruned and failed trials, then
    the time so far, the bar, and the best value.
    """
    state, status = snapshot.state, snapshot.status
    studies: list[StudyState] = [state]
    if state.confirmation is not None:
        studies.append(state.confirmation)
    shares, places, ends = [], [], []
    for each in studies:
        slots = each.slots
        by_state = counts(slots)
        n_finished = sum(by_state[name] for name in FINISHED)
        shares.append(Bar(n_finished / len(slots) if slots else 0.0))
        places.append(f"{n_finished} of {len(slots)}")
        told = {"pruned": by_state["pruned"], "failed": by_state["failed"]}
        if each is not state:
            told = {"not needed": by_state["pruned"], "failed": by_state["failed"]}
        ends.append(", ".join(f"{n} {name}" for name, n in told.items() if n))
    rest = [""] * (len(studies) - 1)
    best = f"best {status.best['value']:.4f}" if status.best else ""
    left = "" if not snapshot.seconds_left else f"about {duration(snapshot.seconds_left)} left"
    return [
        Column(["search", "confirmation"][: len(studies)]),
        Column(shares, rank=2),
        Column(places, is_right=True),
        Column([best, *rest], rank=1),
        Column(ends, rank=4),
        Column([f"{duration(time.monotonic() - begun)} so far", *rest], rank=3),
        Column([left, *rest]),
    ]


def worker_columns(snapshot: Snapshot, *, n_shown: int) -> list[Column]:
    """A line for each of the first n_shown workers.

    Narrow screens lose the bar, then host, attempt, model and epoch.
    """
    metric = snapshot.status.metric.rpartition("/")[2]
    told = [_cells(snapshot, row, metric) for row in snapshot.workers[:n_shown]]
    if len({row.host for row in snapshot.workers}) == 1:
        for each in told:
            each["host"] = ""
    ranks = {"trial": 0, "model": 2, "attempt": 3, "epoch": 1, "bar": 5, "share": 0, "value": 0}
    return [
        Column([each[name] for each in told], rank=rank, is_right=name == "share")
        for name, rank in (ranks | {"host": 4}).items()
    ]


def remarks(snapshot: Snapshot, n_shown: int, n_missing: int, joining: str) -> list[str]:
    """Workers beyond the first n_shown, the n_missing that have not joined yet, and what is left
    when all slots are finished."""
    if snapshot.is_finished:
        return ["evaluating the winner on the test rows" if snapshot.status.best else "ending"]
    n_live = len(snapshot.workers)
    hidden = [f"and {counted(n_live - n_shown, 'more worker')}"] if n_live > n_shown else []
    if snapshot.status.is_budget_spent or n_missing <= 0:
        return hidden
    return [*hidden, f"{counted(n_missing, 'worker')} {joining}"]


def _cells(snapshot: Snapshot, row: WorkerRow, metric: str) -> dict[str, Any]:
    """Column → what it says of one worker."""
    kind, state = _at_work_on(snapshot.state, row)
    cells: dict[str, Any] = dict.fromkeys(("model", "attempt", "epoch", "share", "value"), "")
    cells |= {"bar": Bar(None), "host": row.host}
    trial = next((each for each in state.trials if each.number == row.trial), None)
    if trial is None:
        return cells | {"trial": "idle"}
    attributes, share = trial.user_attrs, share_done(row)
    values, attempt = trial.intermediate_values, int(trial.user_attrs.get(ATTEMPT, 1))
    return cells | {
        "trial": f"{kind} {trial.number}",
        "model": attributes.get(MODEL, ""),
        "attempt": f"attempt {attempt}" if attempt > 1 else "",
        "epoch": "loading" if share is None else _epoch(share, snapshot, attributes),
        "bar": Bar(share),
        "share": "" if share is None else f"{share:.0%}",
        "value": f"{metric} {values[max(values)]:.4f}" if values else "",
    }


def _at_work_on(state: SweepState, row: WorkerRow) -> tuple[str, StudyState]:
    """What a worker's trial is called, and its study."""
    confirmation = state.confirmation
    if confirmation is not None and row.study == confirmation.name:
        return "confirmation", confirmation
    return "trial", state


def _epoch(share: float, snapshot: Snapshot, attributes: Mapping[str, Any]) -> str:
    """`epoch 1.3 of 2`; empty where the study does not say how many there are."""
    definition, model = snapshot.state.attributes[DEFINITION], attributes.get(MODEL)
    fixed = definition.get(f"{EPOCHS}|model={model}", definition.get(EPOCHS))
    epochs = attributes.get(VALUES, {}).get(EPOCHS, fixed)
    if not isinstance(epochs, int):
        return ""
    return f"epoch {share * epochs:.1f} of {epochs}"
