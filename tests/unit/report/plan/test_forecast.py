"""Time, memory, disk and cost of a whole sweep follow from its trials."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace
from functools import cache
from typing import Any

import pytest
from tests.unit.report.plan.made import config, draw, warmed

from finesweep.config import SweepPlan, compose_sweep
from finesweep.report.plan.draws import Draws
from finesweep.report.plan.forecast import (
    COMMAND_SECONDS,
    Machine,
    Workload,
    disk,
    doubts,
    option,
    workload,
)
from finesweep.report.plan.records import Disk, Option
from finesweep.report.plan.speeds import Speeds
from finesweep.training import ActivationPlan

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("workplace")]

WORK = Workload(
    first_seconds=30.0,
    n_first=2,
    other_seconds=10.0,
    share_of_training=0.5,
    share_trained=(0.4, 0.8),
    n_trials=10,
    n_confirmations=4,
    timeout_seconds=None,
)
CORES = Machine(
    threads={1: 2, 2: 1, 4: 1, 8: 1},
    slowdown={2: 1.0, 1: 1.5},
    n_at_once=2,
    n_gpus=0,
    price_per_hour=None,
)


composed = cache(compose_sweep)


def demo(**settings: Any) -> SweepPlan:
    """The packaged demo with these settings of the sweep."""
    plan = deepcopy(composed("demo", ()))
    return replace(plan, settings=replace(plan.settings, **settings))


def of(work: Workload, machine: Machine, workers: int = 1) -> Option:
    return option(work, machine, workers, peak_bytes=100)


def seconds_of(work: Workload, machine: Machine, workers: int) -> float:
    return of(work, machine, workers).seconds - COMMAND_SECONDS


def test_one_worker_runs_all_trials_and_their_confirmations() -> None:
    one = of(WORK, CORES)
    assert one.seconds == pytest.approx(2 * 30 + 8 * 10 + 4 * 14 + COMMAND_SECONDS)
    low, high = one.seconds_pruned
    assert (low, high) == pytest.approx(
        (140 * 0.7 + 56 + COMMAND_SECONDS, 140 * 0.9 + 56 + COMMAND_SECONDS)
    )
    assert one.expected_seconds == pytest.approx((low + high) / 2)


def test_workers_divide_the_trials_until_the_cores_are_taken() -> None:
    # Each of two workers has one thread, with which a trial takes half as long again.
    trial = 14 * 1.5
    assert seconds_of(WORK, CORES, 2) == pytest.approx(trial * (5 + 0.25 + 2 + 0.25))
    assert seconds_of(WORK, CORES, 4) == seconds_of(WORK, CORES, 2)
    assert of(WORK, CORES, 4).memory_bytes == 400


def test_workers_of_a_cluster_have_a_machine_each_and_are_paid_each() -> None:
    cluster = replace(CORES, threads={1: 2, 8: 2}, n_at_once=None, price_per_hour=36.0)
    eight = of(WORK, cluster, 8)
    assert seconds_of(WORK, cluster, 8) == pytest.approx(14 * (10 / 8 + 7 / 16 + 1))
    assert eight.memory_bytes == 100
    assert eight.cost == pytest.approx(8 * 0.01 * eight.expected_seconds)
    one = of(WORK, cluster)
    assert one.cost == pytest.approx(0.01 * one.expected_seconds)
    here = of(WORK, replace(CORES, price_per_hour=36.0), 2)
    assert here.cost == pytest.approx(0.01 * here.expected_seconds)


def test_workers_share_gpus_evenly() -> None:
    gpus = replace(CORES, n_at_once=2, n_gpus=2)
    assert of(WORK, gpus, 2).memory_bytes == 100
    assert of(WORK, gpus, 4).memory_bytes == 200


def test_a_sweep_by_time_has_as_many_trials_as_fit_beside_the_confirmation() -> None:
    by_time = replace(WORK, n_trials=None, n_first=0, timeout_seconds=1000.0)
    one = of(by_time, CORES)
    assert one.n_trials == int((1000 - 4 * 10) / (10 * (1 - 0.5 * 0.4)))
    assert one.seconds == one.expected_seconds == 1000 + COMMAND_SECONDS
    much = replace(by_time, n_confirmations=500)
    assert of(much, CORES).n_trials == int(500 / 8)


def test_the_work_is_the_mean_of_first_and_other_trials() -> None:
    plan = demo()
    draws = Draws((draw(epochs=3),), (draw(epochs=1), draw(epochs=2)))
    work = workload(plan, draws, {"bert": Speeds((warmed(config()),), None, None)}, (0.5, 0.5))
    assert work.first_seconds == pytest.approx(4.5 + 1.0, abs=1e-3)
    assert work.other_seconds == pytest.approx((1.5 + 3.0) / 2 + 1.0, abs=1e-3)
    assert work.share_of_training == pytest.approx(9.0 / 12.0, abs=1e-3)
    assert (work.n_trials, work.n_first, work.n_confirmations) == (10, 1, 4)
    assert work.trial_seconds == pytest.approx((5.5 + 9 * 3.25) / 10, abs=1e-3)


def written(plan: SweepPlan, **changes: Any) -> Disk:
    cached = ActivationPlan(2, "disk", "pays", n_bytes=640)
    deep = warmed(config(freeze_layers=2), activations=cached)
    speeds = {"bert": Speeds((warmed(config()),), deep, None)}
    draws = Draws((), (draw(), draw(freeze_layers=2)))
    known = {"trial_seconds": 60.0, "token_bytes": 70, "free_bytes": 10**6} | changes
    return disk(plan, draws, speeds, 2, **known)


def test_weights_are_kept_of_the_best_the_confirmed_and_the_winner() -> None:
    found = written(demo())
    assert found.weights == (2 + 2 + 1) * 4000
    assert written(demo(confirm=None)).weights == (2 + 0 + 1) * 4000
    assert found.tokens == 70
    assert found.activations == int(640 * 0.75)  # one of two settings, in two trials
    assert found.needed == 20_000 + 0 + 70 + 480


def test_trials_longer_than_their_period_are_checkpointed() -> None:
    two = demo()
    two.base.config.workers = 2
    assert written(two).checkpoints == 0
    assert written(two, trial_seconds=301.0).checkpoints == 2 * 2 * 16_000


def told(
    minutes: float | None = None, *, found: Disk | None = None, **changes: Any
) -> tuple[str, ...]:
    configured = replace(of(WORK, CORES), **changes)
    room = Disk(weights=1, checkpoints=0, tokens=0, activations=0, free=1)
    plan = demo(timeout_minutes=minutes)
    return doubts(plan, configured, found or room, free_bytes=1000, too_large=())


@pytest.mark.parametrize(
    ("minutes", "verb"), [(3, "cannot"), (4, "may not"), (5, None), (None, None)]
)
def test_a_sweep_that_its_time_does_not_suffice_for_is_told(
    minutes: float | None, verb: str | None
) -> None:
    told_of = told(minutes, seconds_pruned=(200.0, 270.0))
    expected = (
        f"the sweep {verb} finish within sweep.timeout_minutes={minutes}: it is expected to take"
        " 3 min to 4 min; the other trials wait for the next command"
    )
    assert told_of == (() if verb is None else (expected,))


def test_too_little_memory_or_disk_is_told() -> None:
    full = Disk(weights=4 * 10**9, checkpoints=0, tokens=0, activations=0, free=10**9)
    assert told(found=full, memory_bytes=2 * 10**9) == (
        "workers=1 need 2.0 GB of memory, 0 MB are free",
        "the sweep writes 4.0 GB, 1.0 GB are free at mlruns/checkpoints",
    )


def test_a_sweep_that_fits_is_not_warned_of() -> None:
    assert told() == ()
