"""Waiting for a full disk to be emptied, instead of losing what a trial has in memory."""

from __future__ import annotations

import errno
import time
from collections.abc import Callable

FULL = (errno.ENOSPC, errno.EDQUOT)
PAUSE_SECONDS = 2.0


def until_there_is_room(write: Callable[[], None], on_wait: Callable[[str], None]) -> None:
    """Returns when write() has succeeded; on_wait is told before each pause, and may raise."""
    while True:
        try:
            return write()
        except Exception as error:
            if not _is_full(error):
                raise
            on_wait(" ".join(str(error).split()))
        time.sleep(PAUSE_SECONDS)


def _is_full(error: BaseException) -> bool:
    if isinstance(error, OSError):
        return error.errno in FULL
    # safetensors raises its own error, with the operating system's words in it.
    return "No space left on device" in str(error) or "os error 28" in str(error)
