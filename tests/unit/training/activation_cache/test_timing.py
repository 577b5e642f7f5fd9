"""Seconds of work, on a CPU."""

from __future__ import annotations

import time

import torch

from finesweep.training.activation_cache.timing import Mark, mark, seconds_of

DEVICE = torch.device("cpu")


def test_the_shortest_time_after_a_warm_up_counts() -> None:
    pauses = iter([0.0, 0.05, 0.01, 0.05])  # the first would be shorter, and is not counted

    def work() -> tuple[Mark, Mark]:
        began, end = mark(DEVICE), time.thread_time() + next(pauses)
        while time.thread_time() < end:
            pass
        return began, mark(DEVICE)

    assert 0.01 <= seconds_of(work, n_timed=3) < 0.05


def test_the_turns_of_other_processes_do_not_count() -> None:
    began = mark(DEVICE)
    time.sleep(0.05)
    assert mark(DEVICE) - began < 0.05
