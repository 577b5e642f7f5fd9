"""A worker's command as a child process, with the pipe that drains it."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from finesweep.sweep.launchers.forked import Fork, Template
from finesweep.threads import OMP_NUM_THREADS, given_threads

ATTACHED = "--attached"
"""Tells a worker that its stdin is a pipe, whose end of file means: finish the slot and exit."""
SHOWN_LINES = 5
TAIL_BYTES = 8192


class WorkerProcess:
    """A worker on this machine, in its own session, forked from a template where there is one.

    A terminal signals its whole process group: in the coordinator's group one Ctrl-C would reach
    the worker twice, from the terminal and from the coordinator. The pipe closes when the
    coordinator ends, even if it is killed.
    """

    def __init__(
        self,
        name: str,
        *,
        command: Sequence[str],
        environment: Mapping[str, str],
        log: Path,
        folder: Path | None = None,
        template: Template | None = None,
    ) -> None:
        self.name = name
        self._command = [*command, ATTACHED]
        self._environment = {**os.environ, **environment}
        self._folder = Path.cwd() if folder is None else folder
        self._log = log
        log.parent.mkdir(parents=True, exist_ok=True)
        self._start(template)

    def _start(self, template: Template | None) -> None:
        reader, writer = os.pipe()
        # Unbuffered: closing the pipe of a dead worker must not flush.
        self._pipe = os.fdopen(writer, "wb", buffering=0)
        with self._log.open("ab") as output, os.fdopen(reader, "rb") as stdin:
            self._log_start = output.tell()
            fork = template and template.fork(
                self._command,
                environment=self._environment,
                folder=str(self._folder),
                streams=(stdin.fileno(), output.fileno(), output.fileno()),
            )
            self._process: Fork | subprocess.Popen[bytes] = fork or subprocess.Popen(
                self._command,
                stdin=stdin,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=self._folder,
                env=self._environment,
                start_new_session=True,
            )

    @property
    def pid(self) -> int | None:
        """Its process id; None until the template has forked it."""
        return self._process.pid

    def poll(self) -> int | None:
        code = self._process.poll()
        if isinstance(self._process, Fork) and self._process.is_missing:
            self.drain()  # in case it was forked after all
            self._start(None)
        if code is not None:
            self.drain()  # otherwise a dead worker's pipe would stay open
        return code

    def wait(self) -> int:
        """Waits for the worker; its exit code."""
        while (code := self.poll()) is None:
            self._process.wait()
        return code

    def drain(self) -> None:
        self._pipe.close()

    def interrupt(self) -> None:
        self._process.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        if isinstance(self._process, Fork):
            self._process.kill()
        elif self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGKILL)  # it leads its session, hence its group

    def last_output(self) -> str:
        return tail(self._log, start=self._log_start)


def tail(log: Path, *, start: int = 0) -> str:
    """The last non-blank lines of a file from byte `start` on; empty without a file."""
    try:
        with log.open("rb") as stream:
            stream.seek(max(start, stream.seek(0, os.SEEK_END) - TAIL_BYTES))
            text = stream.read().decode(errors="replace")
    except OSError:
        return ""
    lines = [line.rstrip() for line in text.splitlines() if line.strip()]
    return "\n".join(lines[-SHOWN_LINES:])


def thread_setting(threads: int) -> dict[str, str]:
    """OMP_NUM_THREADS for one worker, or each rank of it; the user's own value wins.

    Workers with more threads than cores in total were measured 60 times slower.
    """
    is_given = given_threads() is not None
    return {OMP_NUM_THREADS: os.environ[OMP_NUM_THREADS] if is_given else str(max(1, threads))}
