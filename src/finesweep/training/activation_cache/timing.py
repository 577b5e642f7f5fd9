"""Seconds of work on the device that trains."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import torch

Mark = Any
"""A moment: seconds, or on CUDA an event, which does not wait for the device."""


def mark(device: torch.device) -> Mark:
    """Now, in the order of the device's work."""
    if device.type == "cuda":
        event = torch.Event(device, enable_timing=True)
        event.record()
        return event
    if device.type == "cpu":
        return time.thread_time()  # without the turns of other processes on a busy machine
    if torch.accelerator.is_available():
        torch.accelerator.synchronize()
    return time.perf_counter()


def seconds_between(began: Mark, ended: Mark) -> float:
    """Waits for the device to reach both marks."""
    if isinstance(began, float):
        return float(ended - began)
    ended.synchronize()
    return float(began.elapsed_time(ended)) / 1000


def seconds_of(work: Callable[[], tuple[Mark, Mark]], *, n_timed: int) -> float:
    """The shortest time of several, after one to warm up; work returns when it began and ended."""
    work()
    return min(seconds_between(*work()) for _ in range(n_timed))
