"""Random kills in small: the benchmark that shows them at length."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow
CHAOS = Path(__file__).parents[2] / "benchmarks" / "chaos.py"


def test_random_kills_leave_each_slot_finished_exactly_once() -> None:
    few = ("--seed", "3", "--kills", "3", "--slots", "5")
    short = ("--pause", "1", "2", "--epochs", "6", "10", "--warm")
    done = subprocess.run(
        [sys.executable, str(CHAOS), *few, *short],
        capture_output=True,
        text=True,
        timeout=540,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "slots finished exactly once             5 of 5" in done.stdout
