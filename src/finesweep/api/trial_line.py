"""One line for a finished trial, on a sweep's screen and in a worker's log."""

from __future__ import annotations

from typing import TYPE_CHECKING

from finesweep.wording import scored

if TYPE_CHECKING:
    from finesweep.sweep.status import Row


def trial_line(row: Row, *, metric: str, n_slots: int, kind: str = "trial") -> str:
    """`trial 7 (slot 8 of 10) …` with state, value or reason, and seconds."""
    value = "" if row.value is None else f"{metric} {row.value:.4f}  "
    others = [f"{name} {scored(number)}" for name, number in row.objectives.items()][1:]
    value += "".join(f"{each}  " for each in others)
    why = f"{row.reason}  " if row.state == "FAIL" else ""
    seconds = "" if row.seconds is None else f"{row.seconds:.0f} s"
    head = f"{kind} {row.trial:>3} (slot {row.slot + 1} of {n_slots})  {row.model:<14}"
    return f"{head} {row.state:<9} {value}{why}{seconds}"
