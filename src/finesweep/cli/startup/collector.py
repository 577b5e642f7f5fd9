"""Python's garbage collector rests while a command imports what it needs.

Importing makes a million objects, none of them garbage, and the collector would search them again
and again: a third of the CPU seconds of a command that only looks something up.
"""

from __future__ import annotations

import atexit
import gc


def pause() -> None:
    """No collection until `resume`, and none of what is left when the process ends."""
    gc.disable()
    atexit.register(gc.freeze)


def resume() -> None:
    """For commands that go on working: collects again, but searches nothing of what is there.

    Nothing happens unless `pause` was called: in a process that is not the command's own.
    """
    if not gc.isenabled():
        gc.freeze()
        gc.enable()
