"""Progress of a running sweep, read from its study."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.progress import TaskID

from finesweep.api.progress import bars
from finesweep.api.trial_line import trial_line
from finesweep.sweep.selection.state import studies_of
from finesweep.sweep.status import Row, Status, row_of, status_of
from finesweep.sweep.study.slots import finished_trials
from finesweep.sweep.study.study import Study, data_notes_of
from finesweep.wording import counted, rounded


class SweepProgress:
    """Prints a line per finished trial, and shows bars on a terminal and in a notebook."""

    def __init__(self, console: Console, study: Study) -> None:
        self.study = study
        self.printed_notes: set[str] = set()
        self.printed_rows = {(kind, row.trial) for kind, row in self._finished()}
        self.is_settled = False
        self.progress = bars(console)
        self.sweep = self.progress.add_task("sweep", total=None, note="")
        self.bars: dict[str, TaskID] = {}

    def __enter__(self) -> SweepProgress:
        self.progress.start()
        return self

    def __exit__(self, *raised: object) -> None:
        self.progress.stop()

    def say(self, message: str) -> None:
        self.progress.console.print(message, soft_wrap=True)

    def look(self) -> Status:
        """Prints the trials finished since the last call, and moves the bars."""
        status = status_of(self.study)
        for note in data_notes_of(self.study):
            if note not in self.printed_notes:
                self.printed_notes.add(note)
                self.say(f"data: {note}")
        for kind, row in self._finished():
            if (kind, row.trial) not in self.printed_rows:
                self.printed_rows.add((kind, row.trial))
                n_slots = status.target if kind == "trial" else status.n_confirmations
                n_slots = max(n_slots, row.slot + 1)  # it started before n_trials was lowered
                self.say(trial_line(row, metric=status.metric, n_slots=n_slots, kind=kind))
        self._say_when_settled(status)
        n_finished = status.target - status.counts["running"] - status.counts["waiting"]
        best = f"best {status.best['value']:.4f}" if status.best else ""
        self.progress.update(self.sweep, completed=n_finished, total=status.target, note=best)
        self._move(status.workers)
        return status

    def _say_when_settled(self, status: Status) -> None:
        """Says once how many trials of a sweep by time fit, and what is left for the rest."""
        budget = status.time_budget
        if self.is_settled or not budget or not budget["is_by_time"] or budget["is_open"]:
            return
        self.is_settled = True
        reserved = budget["reserved_seconds"]
        kept = f"; {rounded(reserved)} s are kept for their confirmation" if reserved else ""
        trials = counted(status.target, "trial")
        self.say(f"no other trial would end within {budget['minutes']:g} min: {trials}{kept}")

    def _finished(self) -> list[tuple[str, Row]]:
        """Finished trials by number, those of the search first, without skipped seeds."""
        return [
            (kind, row)
            for kind, study in studies_of(self.study).items()
            for row in map(row_of, finished_trials(study.get_trials(deepcopy=False)))
            if kind == "trial" or row.state != "PRUNED"
        ]

    def _move(self, workers: Sequence[Mapping[str, Any]]) -> None:
        busy = {worker["id"]: worker for worker in workers if worker["slot"] is not None}
        for gone in set(self.bars) - set(busy):
            self.progress.remove_task(self.bars.pop(gone))
        for each, worker in busy.items():
            if each not in self.bars:
                self.bars[each] = self.progress.add_task("", total=None, note="")
            self.progress.update(
                self.bars[each],
                description=f"slot {worker['slot'] + 1} on {worker['host']}",
                completed=worker["step"] or 0,
                total=worker["total"],
                note="training" if worker["total"] else "loading",
            )
