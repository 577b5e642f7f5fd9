"""One worker on a Ray cluster: the actor that runs its process, and the coordinator's handle."""

from __future__ import annotations

import signal
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from finesweep.errors import INTERRUPTED
from finesweep.sweep.launchers.worker_process import WorkerProcess

LOST = 1
REPLY_SECONDS = 2.0


class RayActor:
    """Runs one worker's process on a node; Ray chooses the node and sets its GPUs."""

    def __init__(
        self, name: str, command: Sequence[str], environment: Mapping[str, str], log: str
    ) -> None:
        # Paths relative to the coordinator's folder are valid on every node that has this folder.
        folder = Path(environment["PWD"])
        self._process = WorkerProcess(
            name,
            command=command,
            environment=environment,
            log=Path(log),
            folder=folder if folder.is_dir() else None,
        )

    def run(self) -> tuple[int, str]:
        """Waits for the worker; its exit code and last output."""
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
    """Handle of a worker that Ray runs or has still to place on a node."""

    pid = None

    def __init__(self, ray: Any, name: str, actor: Any) -> None:
        self.name = name
        self._ray = ray
        self._actor = actor
        self._placed = actor.__ray_ready__.remote()
        self._run = actor.run.remote()
        self._code: int | None = None
        self._last_output = ""

    def poll(self) -> int | None:
        if self._code is None and self._is_ready(self._run):
            try:
                self._code, self._last_output = self._ray.get(self._run)
            except self._ray.exceptions.RayError as error:
                self._code = LOST
                self._last_output = f"lost: {str(error).strip().splitlines()[0]}"
            self._ray.kill(self._actor)  # otherwise it would hold its node's CPUs and GPUs
        return self._code

    def drain(self) -> None:
        self._call("drain", code=0)

    def interrupt(self) -> None:
        self._call("interrupt", code=INTERRUPTED)

    def kill(self) -> None:
        self._call("kill", code=-signal.SIGKILL)

    def last_output(self) -> str:
        if self.poll() is not None:
            return self._last_output
        if not self._is_ready(self._placed):
            return "waiting for a node of the Ray cluster with enough free CPUs and GPUs"
        try:
            output = self._actor.last_output.remote()
            return str(self._ray.get(output, timeout=REPLY_SECONDS))
        except self._ray.exceptions.RayError as error:
            return f"no reply: {type(error).__name__}"

    def _call(self, method: str, *, code: int) -> None:
        """Calls the actor without waiting; an actor that has no node yet is killed instead.

        code is then the worker's exit code.
        """
        if self.poll() is not None:
            return
        if self._is_ready(self._placed):
            getattr(self._actor, method).remote()
        else:
            self._ray.kill(self._actor)
            self._code = code

    def _is_ready(self, reference: Any) -> bool:
        return bool(self._ray.wait([reference], timeout=0)[0])
