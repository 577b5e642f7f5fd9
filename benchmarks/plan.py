"""A plan's prediction beside the sweep itself.

python benchmarks/plan.py [demo] [OVERRIDE…]

Plans the sweep and runs it, both in an empty folder with OMP_NUM_THREADS=1 unless it is set, and
prints predicted seconds, measured ones and their ratio. The plan predicts wall-clock time on a
machine that does nothing else; where something else runs, the CPU seconds of one worker with one
thread are what to compare with. The goal is 25 %.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
import time

for _name in ("FINESWEEP_STORAGE_URL", "MLFLOW_TRACKING_URI", "MLFLOW_EXPERIMENT_ID"):
    os.environ.pop(_name, None)
os.environ.setdefault("OMP_NUM_THREADS", "1")
FINESWEEP = (sys.executable, "-m", "finesweep")


def run(folder: str, *arguments: str) -> tuple[str, float, float]:
    """What a command printed, its seconds, and the CPU seconds of it and its processes."""
    before, began = _cpu_seconds(), time.perf_counter()
    done = subprocess.run(
        [*FINESWEEP, *arguments], cwd=folder, check=True, stdout=subprocess.PIPE, text=True
    )
    return done.stdout, time.perf_counter() - began, _cpu_seconds() - before


def main() -> None:
    arguments = sys.argv[1:] or ["demo"]
    with tempfile.TemporaryDirectory(prefix="finesweep-plan-") as folder:
        printed, plan_seconds, plan_cpu = run(folder, "plan", *arguments, "--json")
        plan = json.loads(printed)
        option = next(each for each in plan["options"] if each["workers"] == plan["workers"])
        low, high = option["seconds_pruned"]
        print(f"the plan took {plan_seconds:.0f} s, {plan_cpu:.0f} CPU s")
        print(f"predicted: {low:.0f} to {high:.0f} s, without pruning {option['seconds']:.0f} s")
        _, seconds, cpu_seconds = run(folder, "sweep", *arguments)
    predicted = (low + high) / 2
    for name, measured in (("seconds", seconds), ("CPU seconds", cpu_seconds)):
        print(
            f"measured {name}: {measured:.0f}, predicted over measured {predicted / measured:.2f}"
        )
    print(f"load: {os.getloadavg()[1]:.1f} on {len(os.sched_getaffinity(0))} cores")


def _cpu_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    main()
