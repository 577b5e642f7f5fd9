"""Waiting for a launcher's worker to come up and to end."""

from __future__ import annotations

import time
from collections.abc import Callable

from finesweep.sweep.launchers import Worker

SECONDS = 240.0
"""For a loaded machine; each wait ends as soon as it can."""


def until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + SECONDS
    while not true():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.05)


def up(worker: Worker) -> list[str]:
    """The words that a stand-in prints after "up" when it is ready."""
    until(lambda: "up " in worker.last_words())
    return worker.last_words().split("up ", 1)[1].split()


def ended(worker: Worker) -> int:
    until(lambda: worker.poll() is not None)
    code = worker.poll()
    assert code is not None
    return code
