"""Each call from a trial is progress for its lease, and the moment to hear of an interruption."""

from __future__ import annotations

import errno
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.unit.sweep.worker.conftest import Joined

from finesweep import disk
from finesweep.sweep.worker.callbacks import WorkerCallbacks

Call = Callable[[WorkerCallbacks], None]
CALLS: dict[str, Call] = {
    "beat": lambda callbacks: callbacks.beat(),
    "waiting": lambda callbacks: callbacks.waiting("no room"),
    "stepped": lambda callbacks: callbacks.stepped(8, 32),
}


@pytest.mark.parametrize("name", CALLS)
def test_an_interruption_is_raised_at_the_next_call(joined: Joined, name: str) -> None:
    CALLS[name](joined.callbacks)
    joined.interruption.requested = True
    assert joined.callbacks.is_interrupted()
    with pytest.raises(KeyboardInterrupt):
        CALLS[name](joined.callbacks)


@pytest.mark.parametrize("name", [*CALLS, "evaluated"])
def test_every_call_is_progress(joined: Joined, name: str) -> None:
    lease = joined.callbacks.lease
    lease._moved = 0.0
    call = CALLS.get(name, lambda callbacks: callbacks.evaluated())
    before = time.monotonic()
    call(joined.callbacks)
    assert lease._moved >= before


def test_others_see_how_far_a_trial_is(joined: Joined) -> None:
    joined.callbacks.lease.take(trial=3, slot=1)
    joined.callbacks.stepped(8, 32)
    joined.callbacks.lease.beat()
    assert (joined.row.trial, joined.row.step, joined.row.total) == (3, 8, 32)
    assert joined.callbacks.worker == joined.row.id


def test_what_is_waited_for_is_said(joined: Joined) -> None:
    joined.callbacks.waiting("disk full")
    assert joined.said == ["waiting: disk full"]


def test_an_outbox_lies_with_its_worker_is_delivered_and_waits_for_room(
    joined: Joined, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(disk, "PAUSE_SECONDS", 0.0)
    outbox = joined.callbacks.outbox("trial-000001", uid="u", name="n", parent_run_id=None, tags={})
    assert joined.deliveries.folders == [outbox.folder]
    folder = Path("mlruns/checkpoints/demo/outbox") / joined.callbacks.worker / "trial-000001"
    assert outbox.folder == folder
    errors = [OSError(errno.ENOSPC, "disk full")]

    def write() -> None:
        if errors:
            raise errors.pop()

    outbox._writing(write)
    assert joined.said == ["waiting: [Errno 28] disk full"]
