"""One worker on a Slurm cluster: the handle of its job."""

from __future__ import annotations

import time
from typing import Any

from finesweep.errors import INTERRUPTED
from finesweep.sweep.launchers.slurm_commands import Scheduler
from finesweep.sweep.launchers.slurm_task import RequestFiles
from finesweep.sweep.launchers.worker_process import tail

LOST = 1
RESULT_LAG_SECONDS = 30.0
"""Time that a shared file system may take to show a job's result after the job left the queue."""


class SlurmWorker:
    """One job of the array: waiting, running, or requeued after a preemption."""

    pid = None

    def __init__(
        self, name: str, job: Any, *, requests: RequestFiles, scheduler: Scheduler
    ) -> None:
        self.name = name
        self._job = job
        self._requests = requests
        self._scheduler = scheduler
        self._code: int | None = None
        self._requested_code: int | None = None
        self._missing_since: float | None = None

    def poll(self) -> int | None:
        if self._code is None:
            self._code = self._outcome()
            if self._code is not None:
                self._requests.remove()
        return self._code

    def drain(self) -> None:
        if self.poll() is None:
            self._requests.drain.touch()
            self._requested_code = 0
            self._scheduler.withdraw(self._job)

    def interrupt(self) -> None:
        if self.poll() is None:
            self._requested_code = INTERRUPTED
            self._scheduler.withdraw(self._job)
            self._scheduler.interrupt(self._job)
            self._requests.interrupt.touch()

    def kill(self) -> None:
        if self.poll() is None:
            self._requested_code = INTERRUPTED
            self._scheduler.kill(self._job)

    def last_output(self) -> str:
        output = tail(self._job.paths.stdout)
        return output or f"job {self._job.job_id} has printed nothing yet"

    def _outcome(self) -> int | None:
        from submitit.core.utils import FailedJobError, UncompletedJobError

        # First the queue, then the result: it is written before the job ends.
        is_queued = self._scheduler.holds(self._job)
        if self._job.paths.result_pickle.exists():
            try:
                return int(self._job.result())
            except (FailedJobError, UncompletedJobError):
                return LOST
        if is_queued:
            self._missing_since = None
            return None
        if self._requested_code is not None:
            return self._requested_code
        self._missing_since = self._missing_since or time.monotonic()
        return LOST if time.monotonic() - self._missing_since >= RESULT_LAG_SECONDS else None
