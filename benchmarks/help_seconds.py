"""How long `finesweep --help` takes, beside a bare Python: median of N runs.

python benchmarks/help_seconds.py [N]
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time


def seconds(*command: str) -> float:
    """Wall time of one process."""
    began = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True)
    return time.perf_counter() - began


def main(n_runs: int) -> None:
    bare, shown = [], []
    for _ in range(n_runs):  # in turn, so that a drifting machine slows both
        bare.append(seconds(sys.executable, "-c", "pass"))
        shown.append(seconds(sys.executable, "-m", "finesweep", "--help"))
    python, finesweep = statistics.median(bare), statistics.median(shown)
    print(f"python -c pass    {python:.3f} s (median of {n_runs})")
    print(f"finesweep --help  {finesweep:.3f} s, {finesweep / python:.1f} times as long")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 11)
