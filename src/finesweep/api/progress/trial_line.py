"""One line for a finished trial, on a sweep's screen and in a worker's log."""

from __future__ import annotations

from typing import TYPE_CHECKING

from finesweep.wording import scored

if TYPE_CHECKING:
    from finesweep.sweep.status import Row

WIDE, MEDIUM = 100, 80
"""Columns of a screen from which on a line has all its parts, or all but the slot."""


def trial_line(
    row: Row, *, metric: str, n_slots: int, kind: str = "trial", width: int = WIDE
) -> str:
    """`trial 7 (slot 8 of 10) …` with state, value or reason, and seconds.

    On a screen of less than 100 columns the slot and further objectives are left out and a long
    reason stands last, below 80 the metric's split is left out too, and the spaces that align
    lines.
    """
    name = metric if width >= MEDIUM else metric.rpartition("/")[2]
    value = "" if row.value is None else f"{name} {row.value:.4f}"
    if width >= WIDE:
        others = list(row.objectives.items())[1:]
        value += "".join(f"  {name} {scored(number)}" for name, number in others)
    seconds = "" if row.seconds is None else f"{row.seconds:.0f} s"
    reason = row.reason or "" if row.state == "FAIL" else ""
    told = (value, reason, seconds) if width >= WIDE else (value, seconds, reason)
    end = "  ".join(part for part in told if part)
    if width < MEDIUM:
        return f"{kind} {row.trial}  {row.model}  {row.state}  {end}"
    slot = f" (slot {row.slot + 1} of {n_slots})" if width >= WIDE else ""
    return f"{kind} {row.trial:>3}{slot}  {row.model:<14} {row.state:<9} {end}"
