"""Progress of a running sweep, read from its study: wherever its workers run, and whoever started
them."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import ExitStack

from rich.console import Console, Group, RenderableType
from rich.text import Text

from finesweep.api.console import is_live, say
from finesweep.api.progress.columns import lines
from finesweep.api.progress.display import displayed
from finesweep.api.progress.sweep_lines import Snapshot, remarks, slot_columns, worker_columns
from finesweep.api.progress.trial_line import WIDE, trial_line
from finesweep.config import ConfirmConfig
from finesweep.sweep.selection.state import SweepState, read_state
from finesweep.sweep.status import Row, Status, row_of, status_in
from finesweep.sweep.study.slots import finished_trials
from finesweep.sweep.study.study import Study, data_notes_in
from finesweep.sweep.study.workers import live_workers
from finesweep.sweep.time_left import seconds_left
from finesweep.wording import counted, rounded

LINES_BESIDE_WORKERS = 8
"""Lines of a screen kept for the slots, the remarks and a few printed lines."""


class SweepProgress:
    """Prints a line per finished trial; on a terminal and in a notebook it also shows the slots and
    what each worker does."""

    def __init__(
        self,
        console: Console,
        study: Study,
        *,
        n_workers: int = 1,
        confirm: ConfirmConfig | None = None,
        joining: str = "starting",
    ) -> None:
        """n_workers: of this command. confirm: the confirmation's settings, for the time left.
        joining: what workers do that have not joined yet."""
        self.console, self.study, self.n_workers, self.confirm = console, study, n_workers, confirm
        self.joining, self.stage = joining, ""
        """What the command does besides waiting for its workers."""
        self._begun, self._n_joined = time.monotonic(), 0
        self._snapshot: Snapshot | None = None
        self._redraw: Callable[[], None] = lambda: None
        self._printed_notes: set[str] = set()
        self._printed_rows = {(kind, row.trial) for kind, row in _finished(read_state(study))}
        self._is_settled = False
        self._stack = ExitStack()

    def __enter__(self) -> SweepProgress:
        self._redraw = self._stack.enter_context(displayed(self.console, self._draw))
        return self

    def __exit__(self, *raised: object) -> None:
        self._redraw = lambda: None
        self._stack.close()

    def say(self, message: str) -> None:
        """Prints a line above the display."""
        say(self.console, message)

    def begin(self, stage: str) -> None:
        """Shows what the command does now."""
        self.stage = stage
        self._redraw()

    def look(self) -> Status:
        """Prints the trials finished since the last call, and updates the display."""
        state, workers = read_state(self.study), live_workers(self.study)
        status = status_in(state, workers)
        for note in data_notes_in(state.attributes):
            if note not in self._printed_notes:
                self._printed_notes.add(note)
                self.say(f"data: {note}")
        for kind, row in _finished(state):
            if (kind, row.trial) not in self._printed_rows:
                self._printed_rows.add((kind, row.trial))
                n_slots = status.target if kind == "trial" else status.n_confirmations
                n_slots = max(n_slots, row.slot + 1)  # it started before n_trials was lowered
                self.say(self._line(row, status.metric, n_slots, kind))
        self._say_when_settled(status)
        if is_live(self.console):
            by_slot = sorted(workers, key=lambda row: (row.slot is None, row.slot, row.id))
            left = seconds_left(state, workers, confirm=self.confirm)
            self._snapshot = Snapshot(state, status, by_slot, left)
            self._n_joined = max(self._n_joined, len(workers))
            self._redraw()
        return status

    def _line(self, row: Row, metric: str, n_slots: int, kind: str) -> str:
        width = self.console.width if is_live(self.console) else WIDE
        return trial_line(row, metric=metric, n_slots=n_slots, kind=kind, width=width)

    def _say_when_settled(self, status: Status) -> None:
        """Says once how many trials of a sweep by time fit, and what is left for the rest."""
        budget = status.time_budget
        if self._is_settled or not budget or not budget["is_by_time"] or budget["is_open"]:
            return
        self._is_settled = True
        reserved = budget["reserved_seconds"]
        kept = f"; {rounded(reserved)} s are kept for their confirmation" if reserved else ""
        trials = counted(status.target, "trial")
        self.say(f"no other trial would end within {budget['minutes']:g} min: {trials}{kept}")

    def _draw(self, width: int) -> RenderableType:
        if (now := self._snapshot) is None:
            return Text(self.stage or "starting workers")
        n_shown = max(1, self.console.height - LINES_BESIDE_WORKERS)
        drawn = [lines(slot_columns(now, self._begun), width)]
        if now.workers and not now.is_finished:
            drawn.append(lines(worker_columns(now, n_shown=n_shown), width))
        n_missing = self.n_workers - self._n_joined
        told = [self.stage] if self.stage else remarks(now, n_shown, n_missing, self.joining)
        return Group(*drawn, *map(Text, told))


def _finished(state: SweepState) -> list[tuple[str, Row]]:
    """Finished trials by number, those of the search first, without skipped seeds."""
    studies = {"trial": state.trials}
    if state.confirmation is not None:
        studies["confirmation"] = state.confirmation.trials
    return [
        (kind, row)
        for kind, trials in studies.items()
        for row in map(row_of, finished_trials(trials))
        if kind == "trial" or row.state != "PRUNED"
    ]
