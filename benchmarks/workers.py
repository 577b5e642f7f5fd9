"""Two workers with one thread each against one worker with two, on the demo's own trials.

python benchmarks/workers.py [--trials 4] [--repeats 3]

Both sides run the same trials, drawn by slot and never pruned, in alternating order; each sweep is
timed from its command to its end. Printed is the one worker's time over the two workers'.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

for _name in ("FINESWEEP_STORAGE_URL", "MLFLOW_TRACKING_URI", "MLFLOW_EXPERIMENT_ID"):
    os.environ.pop(_name, None)
SAME_TRIALS = (
    "sweep.sampler.n_startup_trials=1000",
    "sweep.pruner.n_startup_trials=1000",
    "sweep.register=null",
)
"""Drawn at random, by slot, and never pruned."""


def seconds(n_workers: int, n_trials: int) -> float:
    """Of one sweep in an empty folder."""
    command = [sys.executable, "-m", "finesweep", "sweep", "demo", *SAME_TRIALS]
    command += [f"workers={n_workers}", f"sweep.n_trials={n_trials}"]
    with tempfile.TemporaryDirectory(prefix="finesweep-workers-") as folder:
        began = time.perf_counter()
        subprocess.run(command, cwd=Path(folder), check=True, stdout=subprocess.DEVNULL)
        return time.perf_counter() - began


def main() -> None:
    cli = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    cli.add_argument("--trials", type=int, default=4)
    cli.add_argument("--repeats", type=int, default=3)
    given = cli.parse_args()
    ratios = []
    for turn in range(given.repeats):
        order = (1, 2) if turn % 2 == 0 else (2, 1)
        taken = {n_workers: seconds(n_workers, given.trials) for n_workers in order}
        ratios.append(taken[1] / taken[2])
        print(f"one worker {taken[1]:.0f} s, two workers {taken[2]:.0f} s", flush=True)
    print(f"one worker's time over two workers', median: {statistics.median(ratios):.2f}")


if __name__ == "__main__":
    main()
