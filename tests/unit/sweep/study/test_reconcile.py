"""What dead workers held is tried again, by whoever looks first, and once."""

from __future__ import annotations

import json
import subprocess
from typing import Any

import optuna
import pytest
from optuna import Study
from optuna.trial import FrozenTrial, TrialState
from sqlalchemy import text
from tests.unit.sweep.conftest import Opened, Start

from finesweep.config import SweepConfig
from finesweep.sweep.study.keys import COMMITTED, FAILURE, REASON, RETRY, SLOT
from finesweep.sweep.study.leases import Lease
from finesweep.sweep.study.optuna_private import engine_of
from finesweep.sweep.study.reconcile import fail, reconcile
from finesweep.sweep.study.slots import claim, slots_of

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]
SETTINGS = SweepConfig(n_trials=1, lease_seconds=60, max_attempts_without_progress=3)
WORKER = """
import sys, time, optuna
from finesweep.sweep.study.leases import Lease
from finesweep.sweep.study.slots import claim
from finesweep.sweep.study.optuna_private import engine_of
from finesweep.sweep.study.storage import open_storage

study = optuna.load_study(study_name="s", storage=open_storage(sys.argv[1]))
lease = Lease(
    engine_of(study), "s", lease_seconds=60, hang_seconds=60, on_hang=lambda: None
)
claimed = claim(study, 1, before=lambda trial: lease.hold(trial=trial.number, slot=0))
optuna.Trial(study, claimed._trial_id).suggest_float("x", 0, 1)
print(claimed.number, flush=True)
time.sleep(600)
"""
RECONCILERS = """
import json, multiprocessing, sys
import optuna
from finesweep.config import SweepConfig
from finesweep.sweep.study.reconcile import reconcile
from finesweep.sweep.study.storage import open_storage

opened = open_storage(sys.argv[1])  # here and not in both: imports, and whether the tables fit
opened.remove_session()
opened.engine.dispose()
context = multiprocessing.get_context("fork")
barrier = context.Barrier(2)

def reconciler():
    storage = open_storage(sys.argv[1])
    for name in json.loads(sys.argv[2]):
        study = optuna.load_study(study_name=name, storage=storage)
        barrier.wait(60)
        reconcile(study, SweepConfig(n_trials=2), 2, {})

processes = [context.Process(target=reconciler) for _ in range(2)]
for process in processes:
    process.start()
for process in processes:
    process.join()
print([process.exitcode for process in processes], flush=True)
"""


@pytest.fixture
def study(opened: Opened, storage_url: str) -> Study:
    return optuna.create_study(study_name="s", storage=opened(storage_url))


def mended(study: Study, n_slots: int = 1, **how: Any) -> list[tuple[Any, str]]:
    """Slot and state of every trial, after one reconcile."""
    reconcile(study, SETTINGS, n_slots, {}, **how)
    return [(trial.user_attrs.get(SLOT), trial.state.name) for trial in study.trials]


def begun(study: Study) -> FrozenTrial:
    claimed = claim(study, 1)
    assert claimed is not None
    return claimed


def working(start: Start, url: str) -> subprocess.Popen[str]:
    """A process that has claimed the waiting trial and holds its lease."""
    worker = start(WORKER, url)
    assert worker.stdout is not None
    assert worker.stdout.readline().strip().isdigit()
    return worker


def assert_tried_again_with_the_same_params(study: Study) -> None:
    first, again = study.trials
    assert (first.state, again.state) == (TrialState.FAIL, TrialState.WAITING)
    given = (first.user_attrs[REASON], first.user_attrs[FAILURE], first.user_attrs[RETRY])
    assert given == ("killed", "infrastructure", True)
    assert again.system_attrs["fixed_params"] == first.params != {}


def test_a_trial_without_a_worker_is_tried_again_with_its_params(study: Study) -> None:
    assert mended(study) == [(0, "WAITING")]
    optuna.Trial(study, begun(study)._trial_id).suggest_float("x", 0, 1)
    mended(study)
    assert_tried_again_with_the_same_params(study)


def test_a_killed_process_loses_its_trial_at_once_and_a_live_one_keeps_it(
    study: Study, start: Start, storage_url: str
) -> None:
    mended(study)
    worker = working(start, storage_url)
    assert mended(study) == [(0, "RUNNING")]
    worker.kill()
    worker.wait()
    mended(study)
    assert_tried_again_with_the_same_params(study)


def test_a_worker_not_heard_of_for_a_lease_loses_its_trial(
    study: Study, start: Start, storage_url: str
) -> None:
    mended(study)
    working(start, storage_url)
    with engine_of(study).begin() as connection:
        connection.execute(text("UPDATE finesweep_workers SET beat = beat - 61"))
    assert mended(study, may_reap=False) == [(0, "RUNNING")]
    mended(study)
    assert_tried_again_with_the_same_params(study)


def test_a_slot_fails_for_good_after_attempts_that_committed_nothing(study: Study) -> None:
    for n in (1, 2, 3):
        mended(study)
        assert begun(study).number == n - 1
    assert mended(study) == [(0, "FAIL")] * 3
    assert study.trials[-1].user_attrs[RETRY] is False
    expected = "3 attempts in a row ended before they committed anything; the last: killed"
    assert study.trials[-1].user_attrs[REASON] == expected


def test_a_committed_checkpoint_begins_the_count_anew(study: Study) -> None:
    for n in range(5):
        mended(study)
        trial = begun(study)
        if n == 2:
            study._storage.set_trial_user_attr(trial._trial_id, COMMITTED, 10)
    assert mended(study) == [(0, "FAIL")] * 5 + [(0, "WAITING")]
    begun(study)
    assert mended(study) == [(0, "FAIL")] * 6


def test_a_duplicate_is_dropped_and_never_run(study: Study) -> None:
    for slot in (0, 0, 1):
        study.enqueue_trial({}, user_attrs={SLOT: slot})
    assert mended(study, 2) == [(0, "WAITING"), (0, "FAIL"), (1, "WAITING")]
    assert study.trials[1].user_attrs[FAILURE] == "duplicate"
    study._storage.set_trial_state_values(study.trials[0]._trial_id, TrialState.COMPLETE, [0.5])
    assert [slot.state for slot in slots_of(study.trials, 2)] == ["complete", "waiting"]


@pytest.mark.parametrize("cut", ["before it suggested", "as a duplicate"])
def test_a_slot_keeps_its_params_though_a_later_trial_has_none(study: Study, cut: str) -> None:
    study.enqueue_trial({}, user_attrs={SLOT: 0})
    x = optuna.Trial(study, begun(study)._trial_id).suggest_float("x", 0, 1)
    if cut == "as a duplicate":
        study.enqueue_trial({}, user_attrs={SLOT: 0})
        fail(study, 1, why="duplicate", kind="duplicate", retry=True)
    else:
        mended(study)
        begun(study)
    mended(study)
    assert study.trials[-1].state == TrialState.WAITING
    assert study.trials[-1].system_attrs["fixed_params"] == {"x": x}


def test_fewer_slots_leave_the_waiting_trials_beyond_alone(study: Study) -> None:
    assert mended(study, 5) == [(0, "WAITING"), (1, "WAITING")]
    assert mended(study, 1) == [(0, "WAITING"), (1, "WAITING")]


def test_the_queue_is_twice_as_long_as_there_are_workers(study: Study) -> None:
    engine = engine_of(study)
    leases = [
        Lease(engine, "s", lease_seconds=60, hang_seconds=60, on_hang=lambda: None)
        for _ in range(3)
    ]
    assert len(mended(study, 9)) == 6
    for lease in leases:
        lease.leave()


@pytest.mark.slow
def test_two_that_reconcile_at_once_enqueue_each_slot_once(
    opened: Opened, start: Start, storage_url: str
) -> None:
    storage = opened(storage_url)
    studies = [optuna.create_study(study_name=f"s{n}", storage=storage) for n in range(12)]
    for study in studies:
        study.enqueue_trial({"x": 0.5}, user_attrs={SLOT: 0})
        begun(study)
    both = start(RECONCILERS, storage_url, json.dumps([study.study_name for study in studies]))
    assert both.stdout is not None
    assert both.stdout.readline() == "[0, 0]\n"
    for study in studies:
        found = [(trial.user_attrs[SLOT], trial.state.name) for trial in study.trials]
        assert found == [(0, "FAIL"), (0, "WAITING"), (1, "WAITING")]
