"""Examinations end in time, whatever they meet."""

from __future__ import annotations

import threading
import time

import pytest

from finesweep.setup.doctor.findings import Finding, ok, within


def test_one_that_hangs_is_left_behind() -> None:
    released = threading.Event()
    began = time.monotonic()
    found = within(0.01, "hub", lambda: ok("hub", str(released.wait(60))), needed=False)
    assert time.monotonic() - began < 5
    released.set()
    assert found == Finding("hub", "broken", "no answer within 0.01 s", needed=False)


def test_one_that_raises_is_broken_and_shows_no_password() -> None:
    def raises() -> Finding:
        raise RuntimeError("cannot open postgresql://bob:secret@host/db\nmore")

    message = "RuntimeError: cannot open postgresql://bob:***@host/db"
    assert within(5, "storage", raises, needed=True) == Finding("storage", "broken", message)


@pytest.mark.parametrize(
    ("state", "needed", "is_fatal"),
    [
        ("ok", True, False),
        ("broken", True, True),
        ("missing", True, True),
        ("broken", False, False),
    ],
)
def test_only_what_is_needed_can_be_fatal(state: str, needed: bool, is_fatal: bool) -> None:
    assert Finding("x", state, "", needed=needed).is_fatal is is_fatal  # type: ignore[arg-type]
