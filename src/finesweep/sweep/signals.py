"""Ctrl-C and SIGTERM, answered at the next safe moment instead of in the middle of a write."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGUSR1, signal.SIGUSR2)
"""Ctrl-C, what launchers send, and what batch systems send before they take a machine away."""


class Interruption:
    """Whether someone asked this process to stop."""

    def __init__(self) -> None:
        self.requested = False

    def check(self) -> None:
        """KeyboardInterrupt when someone asked; called where everything written is whole."""
        if self.requested:
            raise KeyboardInterrupt


@contextmanager
def deferred_signals() -> Iterator[Interruption]:
    """Within it the first signal is only noted; the second one interrupts at once.

    An exception raised in the middle of a database call would leave the session unusable, and
    with it the slot that is to be released. In a thread of a caller's own nothing is noted: Python
    gives signals to the main thread alone.
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
