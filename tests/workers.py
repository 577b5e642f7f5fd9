"""Waiting for a launcher's worker to come up and to end."""

from __future__ import annotations

from finesweep.sweep.launchers import WorkerHandle
from tests.waiting import until


def up(worker: WorkerHandle) -> list[str]:
    """The words that a stand-in prints after "up" when it is ready."""
    until(lambda: "up " in worker.last_output())
    return worker.last_output().split("up ", 1)[1].split()


def ended(worker: WorkerHandle) -> int:
    until(lambda: worker.poll() is not None)
    code = worker.poll()
    assert code is not None
    return code
