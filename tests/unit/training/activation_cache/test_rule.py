"""States are cached where they fit and pay."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from finesweep.training.activation_cache.rule import Facts, Place, Rates, decide

GB = 10**9
CPU = Rates(
    device="cpu",
    layer_seconds=0.05,
    read_bytes_per_second=1e9,
    copy_bytes_per_second=float("inf"),
    device_free_bytes=0,
    host_free_bytes=10 * GB,
    disk_free_bytes=10 * GB,
)
FACTS = Facts(n_bytes=GB // 10, n_batches=100, reads=3, shared=False, budget_bytes=GB, rates=CPU)
"""Two layers compute all states in 10 s; they are moved in 0.1 s."""


@pytest.mark.parametrize(
    ("change", "rates", "why_not"),
    [
        ({}, {}, None),
        ({"reads": 1.0}, {}, "moving 0.1 GB takes 0.2 s and saves 0 s of computing"),
        ({"reads": 1.0, "shared": True}, {}, None),
        ({"budget_bytes": 10**7}, {}, "0.1 GB exceed storage.cache_gb, 0.0 GB"),
        ({}, {"host_free_bytes": 10**8}, "0.1 GB exceed half of the free memory"),
        ({}, {"disk_free_bytes": 10**7}, "0.1 GB exceed the free disk space"),
        ({}, {"layer_seconds": 1e-4}, "moving 0.1 GB takes 0.4 s and saves 0.04 s of computing"),
    ],
)
def test_states_are_kept_where_they_fit_and_pay(
    change: dict[str, Any], rates: dict[str, Any], why_not: str | None
) -> None:
    plan = decide(2, replace(FACTS, rates=replace(CPU, **rates), **change))
    assert plan.why_not == why_not
    assert (plan.place == "none") == (why_not is not None)
    assert str(plan).startswith("depth 2: 100 MB" if why_not is None else f"off: {why_not}")


def test_the_seconds_saved_are_those_of_computing_less_those_of_moving() -> None:
    plan = decide(2, FACTS)
    # Computed in 10 s instead of three times; written once and read three times, 0.1 s each.
    assert plan.seconds_saved == pytest.approx(20 - 0.4)
    assert plan.seconds_saved_per_pass == pytest.approx(10 - 0.1)
    shared = decide(2, replace(FACTS, shared=True))
    assert shared.seconds_saved == pytest.approx(30 - 0.5)
    slow = replace(CPU, device="cuda", device_free_bytes=GB, copy_bytes_per_second=1e8)
    on_device = decide(2, replace(FACTS, shared=True, rates=slow))
    assert on_device.place == "device"
    assert on_device.seconds_saved == pytest.approx(30 - 2 * (0.1 + 1.0))
    assert on_device.seconds_saved_per_pass == pytest.approx(10)


# Stated, not timed: a layer of BERT-base takes 14.2 MFLOP a token, and half as much again in
# attention at 512. bf16 on the GPUs, fp32 on the CPU.
MACHINES = {
    "H100": replace(
        CPU,
        device="cuda",
        read_bytes_per_second=7e9,
        copy_bytes_per_second=25e9,
        device_free_bytes=76 * GB,
        host_free_bytes=100 * GB,
        disk_free_bytes=200 * GB,
    ),
    "two cores": replace(
        CPU, read_bytes_per_second=6e9, host_free_bytes=64 * GB, disk_free_bytes=200 * GB
    ),
}
MACHINES["A10"] = replace(MACHINES["H100"], copy_bytes_per_second=12e9, device_free_bytes=22 * GB)
LAYER_SECONDS = {
    ("H100", 128): 0.25e-3,
    ("H100", 512): 1.1e-3,
    ("A10", 128): 0.85e-3,
    ("A10", 512): 3.7e-3,
    ("two cores", 128): 0.6,
    ("two cores", 512): 2.6,
}
ALL = 12
"""Layers of BERT-base: at this depth only the first token is kept."""


@pytest.mark.parametrize(
    ("machine", "length", "depth", "place", "saved"),
    [
        ("H100", 128, 1, "none", -1.2),
        ("H100", 128, 6, "device", 1.7),
        ("H100", 128, 11, "device", 4.7),
        ("H100", 128, ALL, "device", 7.0),
        ("H100", 512, 1, "none", -4.6),
        ("H100", 512, 6, "device", 8.3),
        ("H100", 512, 11, "device", 21.2),
        ("H100", 512, ALL, "device", 31.0),
        ("A10", 128, 1, "none", -0.2),
        ("A10", 128, 6, "device", 9.7),
        ("A10", 128, 11, "device", 19.7),
        ("A10", 128, ALL, "device", 23.9),
        ("A10", 512, 1, "none", -13.6),
        ("A10", 512, 6, "pinned", 29.8),  # 20 GB are more than half of its memory
        ("A10", 512, 11, "pinned", 73.2),
        ("A10", 512, ALL, "device", 104.1),
        ("two cores", 128, 1, "disk", 1399.4),
        ("two cores", 128, 6, "disk", 8437.4),
        ("two cores", 128, 11, "disk", 15475.4),
        ("two cores", 128, ALL, "disk", 16891.1),
        ("two cores", 512, 6, "none", 0.0),  # 39 GB
        ("two cores", 512, ALL, "disk", 73195.1),
    ],
)
def test_each_machine_keeps_states_where_it_saves_most(
    machine: str, length: int, depth: int, place: Place, saved: float
) -> None:
    """BERT-base on 25,000 rows in batches of 32, three epochs, one of many trials."""
    n_tokens = 32 * (1 if depth == ALL else length)
    facts = Facts(
        n_bytes=782 * n_tokens * 768 * (4 if machine == "two cores" else 2),
        n_batches=782,
        reads=3,
        shared=True,
        budget_bytes=20 * GB,
        rates=replace(MACHINES[machine], layer_seconds=LAYER_SECONDS[machine, length]),
        first_only=depth == ALL,
    )
    plan = decide(depth, facts)
    assert (plan.place, round(plan.seconds_saved, 1)) == (place, saved)
    assert plan.reason


def test_another_accelerator_reads_from_the_file() -> None:
    rates = replace(CPU, device="mps")
    assert decide(2, replace(FACTS, rates=rates)).place == "disk"
