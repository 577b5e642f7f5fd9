"""Each call from a trial is progress for its lease, and the moment to hear of an interruption."""

from __future__ import annotations

import errno
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.unit.sweep.worker.conftest import JoinedWorker

from finesweep import disk
from finesweep.sweep.worker.callbacks import WorkerCallbacks

Call = Callable[[WorkerCallbacks], None]
CALLS: dict[str, Call] = {
    "beat": lambda callbacks: callbacks.beat(),
    "waiting": lambda callbacks: callbacks.waiting("no room"),
    "stepped": lambda callbacks: callbacks.stepped(8, 32),
}


@pytest.mark.parametrize("name", CALLS)
def test_an_interruption_is_raised_at_the_next_call(joined_worker: JoinedWorker, name: str) -> None:
    CALLS[name](joined_worker.callbacks)
    joined_worker.interruption.requested = True
    assert joined_worker.callbacks.is_interrupted()
    with pytest.raises(KeyboardInterrupt):
        CALLS[name](joined_worker.callbacks)


@pytest.mark.parametrize("name", [*CALLS, "evaluated"])
def test_every_call_is_progress(joined_worker: JoinedWorker, name: str) -> None:
    lease = joined_worker.callbacks.lease
    lease._progress_at = 0.0
    call = CALLS.get(name, lambda callbacks: callbacks.evaluated())
    before = time.monotonic()
    call(joined_worker.callbacks)
    assert lease._progress_at >= before


def test_others_see_how_far_a_trial_is(joined_worker: JoinedWorker) -> None:
    joined_worker.callbacks.lease.hold(trial=3, slot=1)
    joined_worker.callbacks.stepped(8, 32)
    joined_worker.callbacks.lease.beat()
    assert (joined_worker.row.trial, joined_worker.row.step, joined_worker.row.total) == (3, 8, 32)
    assert joined_worker.callbacks.worker == joined_worker.row.id


def test_what_is_waited_for_is_said(joined_worker: JoinedWorker) -> None:
    joined_worker.callbacks.waiting("disk full")
    assert joined_worker.said == ["waiting: disk full"]


def test_an_outbox_lies_with_its_worker_is_delivered_and_waits_for_room(
    joined_worker: JoinedWorker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(disk, "PAUSE_SECONDS", 0.0)
    outbox = joined_worker.callbacks.outbox(
        "trial-000001", uid="u", name="n", parent_run_id=None, tags={}
    )
    assert joined_worker.deliveries.folders == [outbox.folder]
    folder = (
        Path("mlruns/checkpoints/demo/outbox") / joined_worker.callbacks.worker / "trial-000001"
    )
    assert outbox.folder == folder
    errors = [OSError(errno.ENOSPC, "disk full")]

    def write() -> None:
        if errors:
            raise errors.pop()

    outbox._retry_write(write)
    assert joined_worker.said == ["waiting: [Errno 28] disk full"]
