"""What one task of a Slurm job array runs; submitit pickles it, and queues it again."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from types import FrameType
from typing import Any

from finesweep.sweep.launchers.worker_process import ATTACHED, thread_setting

POLL_SECONDS = 0.5


class ArrayTask:
    """Calling it runs a worker to its end and returns its exit code.

    SIGTERM is passed on to the worker, and the job ends with it. submitit answers SIGUSR2, which
    Slurm sends ahead of the time limit or a preemption, with `checkpoint` and a place in the queue.
    """

    def __init__(self, command: Sequence[str], *, drain_file: Path, threads: int) -> None:
        self._command = tuple(command)
        self._drain_file = drain_file
        self._threads = threads
        self._pid: int | None = None
        self._told_early = False
        self._leaving = False

    def __call__(self) -> int:
        signal.signal(signal.SIGTERM, self._pass_on)
        # In a session of its own: Slurm signals a task's whole process group, and a worker that
        # hears of it twice leaves without a checkpoint.
        with subprocess.Popen(
            [*self._command, ATTACHED],
            stdin=subprocess.PIPE,
            env={**os.environ, **thread_setting(self._threads)},
            start_new_session=True,
        ) as child:
            self._pid = child.pid
            if self._told_early:
                self._interrupt(child.pid)
            try:
                return self._follow(child)
            finally:
                if child.poll() is None:
                    os.killpg(child.pid, signal.SIGKILL)

    def checkpoint(self) -> Any:
        """The same task as a submission, when the worker has kept a checkpoint and left."""
        from submitit.helpers import DelayedSubmission

        if self._pid is not None:
            self._interrupt(self._pid)
            # Leaves it to be reaped: the interrupted code holds the lock that poll() needs.
            with suppress(ChildProcessError):
                os.waitid(os.P_PID, self._pid, os.WEXITED | os.WNOWAIT)
        again = ArrayTask(self._command, drain_file=self._drain_file, threads=self._threads)
        return DelayedSubmission(again)

    def _follow(self, child: subprocess.Popen[bytes]) -> int:
        while (code := child.poll()) is None:
            if child.stdin is not None and not child.stdin.closed and self._drain_file.exists():
                child.stdin.close()
            time.sleep(POLL_SECONDS)
        return code

    def _pass_on(self, number: int, frame: FrameType | None) -> None:
        if self._pid is None:
            self._told_early = True
        else:
            self._interrupt(self._pid)

    def _interrupt(self, pid: int) -> None:
        """Tells the worker, once."""
        if not self._leaving:
            self._leaving = True
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGTERM)
