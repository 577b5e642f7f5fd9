"""One worker on a Ray cluster: the actor beside its process, and its handle here."""

from __future__ import annotations

import signal
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from finesweep.errors import INTERRUPTED
from finesweep.sweep.launchers.worker_process import WorkerProcess

LOST = 1
ANSWER_SECONDS = 2.0


class Seat:
    """The actor: one worker's process on a node; Ray chooses the node and sets its GPUs."""

    def __init__(
        self, name: str, command: Sequence[str], environment: Mapping[str, str], log: str
    ) -> None:
        # Paths relative to the coordinator's folder hold on every node that has this folder too.
        here = Path(environment["PWD"])
        self._process = WorkerProcess(
            name,
            command=command,
            environment=environment,
            log=Path(log),
            folder=here if here.is_dir() else None,
        )

    def run(self) -> tuple[int, str]:
        """The worker's exit code and its last words, when it has ended."""
        return self._process.wait(), self._process.last_output()

    def drain(self) -> None:
        self._process.drain()

    def interrupt(self) -> None:
        self._process.interrupt()

    def kill(self) -> None:
        self._process.kill()

    def last_output(self) -> str:
        return self._process.last_output()


class RayWorker:
    """A worker that Ray runs, or is still finding a node for."""

    pid = None

    def __init__(self, ray: Any, name: str, actor: Any) -> None:
        self.name = name
        self._ray = ray
        self._actor = actor
        self._placed = actor.__ray_ready__.remote()
        self._run = actor.run.remote()
        self._code: int | None = None
        self._farewell = ""

    def poll(self) -> int | None:
        if self._code is None and self._has(self._run):
            try:
                self._code, self._farewell = self._ray.get(self._run)
            except self._ray.exceptions.RayError as error:
                self._code = LOST
                self._farewell = f"lost: {str(error).strip().splitlines()[0]}"
            self._ray.kill(self._actor)  # else it would keep its node's CPUs and GPUs
        return self._code

    def drain(self) -> None:
        self._tell("drain", code=0)

    def interrupt(self) -> None:
        self._tell("interrupt", code=INTERRUPTED)

    def kill(self) -> None:
        self._tell("kill", code=-signal.SIGKILL)

    def last_output(self) -> str:
        if self.poll() is not None:
            return self._farewell
        if not self._has(self._placed):
            return "waits for a node of the Ray cluster with enough free CPUs and GPUs"
        try:
            asked = self._actor.last_output.remote()
            return str(self._ray.get(asked, timeout=ANSWER_SECONDS))
        except self._ray.exceptions.RayError as error:
            return f"no answer: {type(error).__name__}"

    def _tell(self, method: str, *, code: int) -> None:
        """Calls the actor, whose answer nobody waits for; without a node it need not come at all.

        code is what the worker has then ended with.
        """
        if self.poll() is not None:
            return
        if self._has(self._placed):
            getattr(self._actor, method).remote()
        else:
            self._ray.kill(self._actor)
            self._code = code

    def _has(self, answer: Any) -> bool:
        return bool(self._ray.wait([answer], timeout=0)[0])
