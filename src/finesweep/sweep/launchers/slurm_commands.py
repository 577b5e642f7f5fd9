"""What is asked of Slurm beyond submitting, or of the processes that stand in for it."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from contextlib import suppress
from typing import Any, Protocol

QUEUE_SECONDS = 5.0
"""The queue is read no more often: many clusters limit how often it may be asked."""
COMMAND_SECONDS = 30.0


class Scheduler(Protocol):
    """Knows submitit's jobs by their id."""

    def note(self, job: Any) -> None:
        """A job just submitted, which the queue as last read cannot show."""

    def holds(self, job: Any) -> bool:
        """Whether the job waits, runs, or is queued again."""

    def withdraw(self, job: Any) -> None:
        """Cancels it if it has not started."""

    def interrupt(self, job: Any) -> None:
        """Sends it SIGTERM."""

    def kill(self, job: Any) -> None:
        """Ends it without asking."""


class Slurm:
    """squeue and scancel: sacct, which submitit asks, needs an accounting database."""

    def __init__(self) -> None:
        self._queued: set[str] = set()
        self._read_at = float("-inf")

    def holds(self, job: Any) -> bool:
        if time.monotonic() - self._read_at >= QUEUE_SECONDS:
            self._read_queue()
        return job.job_id in self._queued

    def note(self, job: Any) -> None:
        self._queued.add(job.job_id)

    def withdraw(self, job: Any) -> None:
        _run("scancel", "--state=PENDING", job.job_id)

    def interrupt(self, job: Any) -> None:
        # To the job's steps alone: its batch script would die of it before the worker has left.
        _run("scancel", "--signal=TERM", job.job_id)

    def kill(self, job: Any) -> None:
        _run("scancel", "--signal=KILL", "--full", job.job_id)
        _run("scancel", job.job_id)

    def _read_queue(self) -> None:
        self._read_at = time.monotonic()
        listed = _run("squeue", "--me", "--array", "--noheader", "--format=%i")
        if listed is not None:  # a controller that does not answer has not ended our jobs
            self._queued = set(listed.split())


class Processes:
    """submitit's local executor: a job's id is the process that watches over it."""

    def note(self, job: Any) -> None:
        """Nothing: a process is asked itself."""

    def holds(self, job: Any) -> bool:
        return bool(job.state == "RUNNING")

    def withdraw(self, job: Any) -> None:
        """Nothing: it starts at once."""

    def interrupt(self, job: Any) -> None:
        with suppress(ProcessLookupError):
            os.kill(int(job.job_id), signal.SIGTERM)

    def kill(self, job: Any) -> None:
        job.cancel()


def _run(*command: str) -> str | None:
    """What it prints; None when it failed or gave no answer."""
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=COMMAND_SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout if done.returncode == 0 else None
