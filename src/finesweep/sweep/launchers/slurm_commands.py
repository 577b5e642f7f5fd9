"""Commands for submitted jobs: to Slurm, or to the local processes that replace it."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from contextlib import suppress
from typing import Any, Protocol

QUEUE_SECONDS = 5.0
"""Minimum time between two reads of the queue: many clusters limit squeue calls."""
COMMAND_SECONDS = 30.0


class Scheduler(Protocol):
    """Queries and signals submitit's jobs by their id."""

    def note(self, job: Any) -> None:
        """Registers a job that was submitted after the queue was last read."""

    def holds(self, job: Any) -> bool:
        """Whether the job is waiting, running or requeued."""

    def withdraw(self, job: Any) -> None:
        """Cancels it if it has not started."""

    def interrupt(self, job: Any) -> None:
        """Sends it SIGTERM."""

    def kill(self, job: Any) -> None:
        """Ends it at once."""


class Slurm:
    """squeue and scancel; sacct, which submitit uses, needs an accounting database."""

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
        # Only to the job's steps: it would end the batch script before the worker has exited.
        _run("scancel", "--signal=TERM", job.job_id)

    def kill(self, job: Any) -> None:
        _run("scancel", "--signal=KILL", "--full", job.job_id)
        _run("scancel", job.job_id)

    def _read_queue(self) -> None:
        self._read_at = time.monotonic()
        listing = _run("squeue", "--me", "--array", "--noheader", "--format=%i")
        if listing is not None:  # no reply from the controller does not mean that jobs have ended
            self._queued = set(listing.split())


class Processes:
    """Jobs of submitit's local executor: a job's id is the pid of its controlling process."""

    def note(self, job: Any) -> None:
        """Does nothing: a process is polled directly."""

    def holds(self, job: Any) -> bool:
        return bool(job.state == "RUNNING")

    def withdraw(self, job: Any) -> None:
        """Does nothing: a process starts at once."""

    def interrupt(self, job: Any) -> None:
        with suppress(ProcessLookupError):
            os.kill(int(job.job_id), signal.SIGTERM)

    def kill(self, job: Any) -> None:
        job.cancel()


def _run(*command: str) -> str | None:
    """The command's output; None when it fails or times out."""
    try:
        result = subprocess.run(
            command, capture_output=True, text=True, timeout=COMMAND_SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return result.stdout if result.returncode == 0 else None
