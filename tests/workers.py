"""Waiting for a launcher's worker to come up and to end."""

from __future__ import annotations

from finesweep.sweep.launchers import Worker
from tests.waiting import until


def up(worker: Worker) -> list[str]:
    """The words that a stand-in prints after "up" when it is ready."""
    until(lambda: "up " in worker.last_words())
    return worker.last_words().split("up ", 1)[1].split()


def ended(worker: Worker) -> int:
    until(lambda: worker.poll() is not None)
    code = worker.poll()
    assert code is not None
    return code
