"""One task of a Slurm job array; submitit pickles it and requeues it."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

from finesweep.sweep.launchers.worker_process import ATTACHED, thread_setting

POLL_SECONDS = 0.5


@dataclass(frozen=True)
class RequestFiles:
    """What a worker is asked for by files, since a signal would miss a job that is starting."""

    stem: Path

    @property
    def drain(self) -> Path:
        return self.stem.with_suffix(".drain")

    @property
    def interrupt(self) -> Path:
        return self.stem.with_suffix(".interrupt")

    def remove(self) -> None:
        for file in (self.drain, self.interrupt):
            file.unlink(missing_ok=True)


class ArrayTask:
    """Callable that runs a worker to its end and returns its exit code.

    SIGTERM is forwarded to the worker, and the job ends with it. On SIGUSR2, which Slurm sends
    before the time limit or a preemption, submitit calls `checkpoint` and requeues the job.
    """

    def __init__(self, command: Sequence[str], *, requests: RequestFiles, threads: int) -> None:
        self._command = tuple(command)
        self._requests = requests
        self._threads = threads
        self._pid: int | None = None
        self._is_interrupted_early = False
        self._is_leaving = False

    def __call__(self) -> int:
        signal.signal(signal.SIGTERM, self._pass_on)
        # In its own session: Slurm signals a task's whole process group, and after a second signal
        # a worker exits without a checkpoint.
        with subprocess.Popen(
            [*self._command, ATTACHED],
            stdin=subprocess.PIPE,
            env={**os.environ, **thread_setting(self._threads)},
            start_new_session=True,
        ) as child:
            self._pid = child.pid
            if self._is_interrupted_early:
                self._interrupt(child.pid)
            try:
                return self._follow(child)
            finally:
                if child.poll() is None:
                    os.killpg(child.pid, signal.SIGKILL)

    def checkpoint(self) -> Any:
        """Interrupts the worker, waits until it has saved a checkpoint and exited, and returns the
        same task as a new submission."""
        from submitit.helpers import DelayedSubmission

        if self._pid is not None:
            self._interrupt(self._pid)
            # WNOWAIT leaves the process to poll(), whose lock the interrupted code may hold.
            with suppress(ChildProcessError):
                os.waitid(os.P_PID, self._pid, os.WEXITED | os.WNOWAIT)
        task = ArrayTask(self._command, requests=self._requests, threads=self._threads)
        return DelayedSubmission(task)

    def _follow(self, child: subprocess.Popen[bytes]) -> int:
        while (code := child.poll()) is None:
            if self._requests.interrupt.exists():
                self._interrupt(child.pid)
            elif child.stdin is not None and self._requests.drain.exists():
                child.stdin.close()
            time.sleep(POLL_SECONDS)
        return code

    def _pass_on(self, number: int, frame: FrameType | None) -> None:
        if self._pid is None:
            self._is_interrupted_early = True
        else:
            self._interrupt(self._pid)

    def _interrupt(self, pid: int) -> None:
        """Signals the worker, once."""
        if not self._is_leaving:
            self._is_leaving = True
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGTERM)
