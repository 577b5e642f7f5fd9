"""What does with signals and end of file what a worker does, and waiting for it."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping

from finesweep.sweep.launchers import WorkerHandle
from tests.waiting import until

STAND_IN = """\
import os, signal, sys, threading, time
signals = []
def leave(number, frame):
    signals.append(number)
    if len(signals) == 2:
        print("twice", flush=True)
        os._exit(99)
for each in (signal.SIGTERM, signal.SIGUSR1, signal.SIGUSR2):
    signal.signal(each, leave)
def follow_stdin():
    sys.stdin.buffer.read()
    print("drained", flush=True)
    os._exit(0)
threading.Thread(target=follow_stdin, daemon=True).start()
values = {"pid": os.getpid(), "parent": os.getppid(), "argument": sys.argv[1]}
for name in "OMP_NUM_THREADS CUDA_VISIBLE_DEVICES SLURM_ARRAY_TASK_ID MLFLOW_TRACKING_URI".split():
    values[name] = os.environ.get(name)
print("up", *(f"{name}={value}" for name, value in values.items()), "ready", flush=True)
while not signals:
    time.sleep(0.02)
time.sleep(0.5)
print("released", flush=True)
os._exit(130)
"""
COMMAND = (sys.executable, "-c", STAND_IN)
"""A worker's argv without a sweep."""


def up(worker: WorkerHandle) -> Mapping[str, str]:
    """What a stand-in says of itself when it is ready: name → value."""
    until(lambda: values_said(worker.last_output()))
    return values_said(worker.last_output())


def values_said(text: str) -> dict[str, str]:
    """Name → value of the last stand-in that came up, by what it printed; empty before."""
    lines = re.findall(r"up (.+) ready", text)
    return dict(pair.split("=", 1) for pair in lines[-1].split()) if lines else {}


def ended(worker: WorkerHandle) -> int:
    until(lambda: worker.poll() is not None)
    code = worker.poll()
    assert code is not None
    return code
