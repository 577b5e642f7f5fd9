"""Every trial has a living worker's row, and a worker without progress loses its own."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator

import optuna
import pytest
from optuna.trial import FrozenTrial, TrialState
from sqlalchemy import Engine, text
from tests.unit.sweep.conftest import Opened

from finesweep.sweep.study.keys import SLOT
from finesweep.sweep.study.leases import Lease, WorkerRow, is_live, workers_of
from finesweep.sweep.study.slots import claim

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]
Lend = Callable[..., Lease]


@pytest.fixture
def engine(opened: Opened, storage_url: str) -> Engine:
    return opened(storage_url).engine


@pytest.fixture
def lend(engine: Engine) -> Iterator[Lend]:
    leases: list[Lease] = []

    def lent(
        *,
        lease_seconds: float = 60,
        hang_seconds: float = 60,
        on_hang: Callable[[], None] = lambda: None,
    ) -> Lease:
        leases.append(
            Lease(
                engine, "s", lease_seconds=lease_seconds, hang_seconds=hang_seconds, on_hang=on_hang
            )
        )
        return leases[-1]

    yield lent
    for lease in leases:
        lease.leave()


def row(engine: Engine) -> WorkerRow:
    (only,) = workers_of(engine, "s")
    return only


def test_a_trial_is_leased_before_it_is_claimed(lend: Lend, opened: Opened, engine: Engine) -> None:
    lease = lend()
    study = optuna.create_study(study_name="s", storage=opened(_url(engine)))
    study.enqueue_trial({}, user_attrs={SLOT: 0})
    assert (row(engine).trial, row(engine).slot) == (None, None)
    seen = []

    def take(trial: FrozenTrial) -> None:
        lease.hold(trial=trial.number, slot=0)
        seen.append((row(engine).trial, row(engine).slot, study.trials[0].state))

    assert claim(study, 1, before=take) is not None
    assert seen == [(0, 0, TrialState.WAITING)]
    lease.release()
    assert (row(engine).trial, row(engine).slot) == (None, None)


def test_a_worker_that_left_has_no_row(lend: Lend, engine: Engine) -> None:
    lease = lend()
    assert [worker.id for worker in workers_of(engine, "s")] == [lease.id]
    assert workers_of(engine, "another study") == []
    lease.leave()
    assert workers_of(engine, "s") == []


def test_the_age_of_a_beat_is_by_the_databases_clock(
    lend: Lend, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + 3600)
    lend()
    assert -1 < row(engine).beat_age_seconds < 5
    with engine.begin() as connection:
        connection.execute(text("UPDATE finesweep_workers SET beat = beat - 100"))
    assert 99 < row(engine).beat_age_seconds < 105
    assert is_live(row(engine), lease_seconds=200)
    assert not is_live(row(engine), lease_seconds=60)


def test_a_lease_of_one_second_is_kept_for_two(lend: Lend, engine: Engine) -> None:
    lend(lease_seconds=1)
    ends, ages = time.monotonic() + 2, []
    while time.monotonic() < ends:
        ages.append(row(engine).beat_age_seconds)
        time.sleep(0.05)
    assert max(ages) < 1


def test_a_worker_in_which_nothing_moves_says_so_and_beats_no_more(
    lend: Lend, engine: Engine
) -> None:
    hung = threading.Event()
    lease = lend(lease_seconds=1, hang_seconds=0.5, on_hang=hung.set)
    assert not hung.wait(0.8)  # without a trial it may wait for as long as it likes
    lease.hold(trial=0, slot=0)
    for step in range(8):
        time.sleep(0.1)
        lease.touch(step, 8)
    assert not hung.is_set()
    assert hung.wait(5)
    time.sleep(1.1)
    assert row(engine).beat_age_seconds > 1
    assert (row(engine).step, row(engine).total) == (7, 8)


def test_a_lease_outlives_a_moment_without_its_table_and_is_not_steady_after_a_gap(
    lend: Lend, engine: Engine
) -> None:
    lease = lend(lease_seconds=2)
    assert lease.is_steady
    for old, new in (("finesweep_workers", "away"), ("away", "finesweep_workers")):
        with engine.begin() as connection:
            connection.execute(text(f"ALTER TABLE {old} RENAME TO {new}"))
        if new == "away":
            time.sleep(1.3)
            assert not lease.is_steady
    time.sleep(0.8)
    assert row(engine).beat_age_seconds < 1


def test_a_gap_is_remembered_until_the_others_could_beat(lend: Lend) -> None:
    lease = lend(lease_seconds=120)
    lease._beat_at -= 100
    lease.beat()
    assert not lease.is_steady
    lease.release()
    assert not lease.is_steady


@pytest.mark.skipif(not hasattr(time, "CLOCK_BOOTTIME"), reason="elsewhere no clock stops")
def test_a_machine_that_was_suspended_declares_nobody_dead_until_the_others_could_beat(
    lend: Lend, monkeypatch: pytest.MonkeyPatch
) -> None:
    lease, clock = lend(), time.clock_gettime
    awake = time.CLOCK_MONOTONIC  # as on Linux
    monkeypatch.setattr(time, "clock_gettime", lambda which: clock(which) + 3600 * (which != awake))
    assert not lease.is_steady
    lease.beat()
    assert not lease.is_steady


def _url(engine: Engine) -> str:
    return engine.url.render_as_string(hide_password=False)
