"""A rank besides a worker's first, for trials on several devices.

The worker starts it as `python -m finesweep.cli.startup.rank` with its connection as stdin; users
never run it.
"""

from __future__ import annotations

import os
import signal
import socket

from finesweep.cli.startup.quiet import silence_libraries
from finesweep.sweep.signals import SIGNALS


def main() -> None:
    for each in SIGNALS:  # the worker gets them too, and says when to stop
        signal.signal(each, signal.SIG_IGN)
    silence_libraries()
    end = socket.socket(fileno=os.dup(0))

    from finesweep.runs.ranks.following import follow

    follow(end)


if __name__ == "__main__":
    main()
