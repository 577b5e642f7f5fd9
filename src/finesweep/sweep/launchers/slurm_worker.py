"""One worker on a Slurm cluster: a job that waits, runs, or is queued again."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from finesweep.errors import INTERRUPTED
from finesweep.sweep.launchers.slurm_commands import Scheduler
from finesweep.sweep.launchers.worker_process import tail

LOST = 1
RESULT_LAG_SECONDS = 30.0
"""A shared file system may show a job's result so long after the queue has let go of the job."""


class SlurmWorker:
    """One job of the array: waiting, running, or queued again after a preemption."""

    pid = None

    def __init__(self, name: str, job: Any, *, drain_file: Path, scheduler: Scheduler) -> None:
        self.name = name
        self._job = job
        self._drain_file = drain_file
        self._scheduler = scheduler
        self._code: int | None = None
        self._asked: int | None = None
        self._gone_at: float | None = None

    def poll(self) -> int | None:
        if self._code is None:
            self._code = self._outcome()
            if self._code is not None:
                self._drain_file.unlink(missing_ok=True)
        return self._code

    def drain(self) -> None:
        if self.poll() is None:
            # A file, since a signal would not reach a job that is only starting.
            self._drain_file.touch()
            self._asked = 0
            self._scheduler.withdraw(self._job)

    def interrupt(self) -> None:
        if self.poll() is None:
            self._asked = INTERRUPTED
            self._scheduler.withdraw(self._job)
            self._scheduler.interrupt(self._job)

    def kill(self) -> None:
        if self.poll() is None:
            self._asked = INTERRUPTED
            self._scheduler.kill(self._job)

    def last_output(self) -> str:
        said = tail(self._job.paths.stdout)
        return said or f"job {self._job.job_id} has printed nothing yet"

    def _outcome(self) -> int | None:
        from submitit.core.utils import FailedJobError, UncompletedJobError

        held = self._scheduler.holds(self._job)  # first: the result is written before the job ends
        if self._job.paths.result_pickle.exists():
            try:
                return int(self._job.result())
            except (FailedJobError, UncompletedJobError):
                return LOST
        if held:
            self._gone_at = None
            return None
        if self._asked is not None:
            return self._asked
        self._gone_at = self._gone_at or time.monotonic()
        return LOST if time.monotonic() - self._gone_at >= RESULT_LAG_SECONDS else None
