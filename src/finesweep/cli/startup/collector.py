"""Pauses Python's garbage collector while a command imports what it needs.

Imports create a million objects, none of them garbage, and the collector would scan them again and
again: a third of the CPU seconds of a short command such as `finesweep models`.
"""

from __future__ import annotations

import atexit
import gc


def pause() -> None:
    """Stops collection until `resume`, and skips it when the process exits."""
    gc.disable()
    atexit.register(gc.freeze)


def resume() -> None:
    """Starts collection again for long-running commands, without the objects that exist already.

    No effect unless `pause` was called: a caller's own process stays as it was.
    """
    if not gc.isenabled():
        gc.freeze()
        gc.enable()
