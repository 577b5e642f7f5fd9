"""CPU and wall seconds of a process and of all that it has started."""

from __future__ import annotations

import statistics
import time
from typing import NamedTuple

import numpy as np
import psutil


class Seconds(NamedTuple):
    """CPU seconds of all processes together, and seconds on the wall."""

    cpu: float
    wall: float


class Clock:
    """Seconds since it was made.

    CPU seconds do not grow while other work has the processor, so that they decide on a shared
    machine; with one thread on an idle one they agree with the wall's. Work on the core's other
    half and in its caches still stretches them: `pace` shows by how much.
    """

    def __init__(self) -> None:
        self._began = Seconds(cpu_of_tree(), time.monotonic())

    def read(self) -> Seconds:
        now = Seconds(cpu_of_tree(), time.monotonic())
        return Seconds(now.cpu - self._began.cpu, now.wall - self._began.wall)


def cpu_of_tree() -> float:
    """CPU seconds of this process, its living descendants, and those that they have waited for."""
    me = psutil.Process()
    total = 0.0
    for process in (me, *me.children(recursive=True)):
        try:
            times = process.cpu_times()
        except psutil.NoSuchProcess:
            continue
        total += times.user + times.system + times.children_user + times.children_system
    return total


def pace() -> float:
    """CPU milliseconds of one fixed product of matrices, the median of nine."""
    left = np.random.default_rng(0).random((512, 512), dtype=np.float32)
    times = []
    for _ in range(9):
        began = time.process_time()
        for _ in range(8):
            left @ left
        times.append(1000 * (time.process_time() - began))
    return statistics.median(times)
