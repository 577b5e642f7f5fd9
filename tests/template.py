"""The warm process that a test session forks its commands from.

Its argument is what coverage is set to, or empty: forks are measured from their beginning on, as
new processes would be, but not the seconds of imports before.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from finesweep.cli.startup.template import load
from finesweep.sweep.launchers.fork_server import become


def measure(settings: str) -> None:
    """Has coverage begin in each fork."""
    import coverage

    def begin() -> None:
        os.environ["COVERAGE_PROCESS_CONFIG"] = settings
        coverage.process_startup(force=True)

    os.register_at_fork(after_in_child=begin)


if __name__ == "__main__":
    load()
    sys.path[0] = str(Path(__file__).parents[1])  # for what forks import of the tests
    import tests.e2e.workers  # noqa: F401

    if sys.argv[1]:
        measure(sys.argv[1])
    become()
