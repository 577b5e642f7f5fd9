"""Ctrl-C and SIGTERM, handled at the next safe point instead of in the middle of a write."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGUSR1, signal.SIGUSR2)
"""Ctrl-C, the launchers' signal, and the warnings that batch systems send before a preemption."""


class Interruption:
    """Whether this process has received a signal to stop."""

    def __init__(self) -> None:
        self.requested = False

    def check(self) -> None:
        """Raises KeyboardInterrupt after a signal; called where no write is half-done."""
        if self.requested:
            raise KeyboardInterrupt


@contextmanager
def deferred_signals() -> Iterator[Interruption]:
    """Defers the first signal until check(); the second one interrupts at once.

    An exception in the middle of a database call would leave the session unusable, and the slot
    could not be released. Outside the main thread nothing is deferred: Python delivers signals to
    the main thread only.
    """
    interruption = Interruption()
    if threading.current_thread() is not threading.main_thread():
        yield interruption
        return

    def note(number: int, frame: FrameType | None) -> None:
        if interruption.requested:
            raise KeyboardInterrupt
        interruption.requested = True

    before: dict[signal.Signals, Any] = {each: signal.signal(each, note) for each in SIGNALS}
    try:
        yield interruption
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)
