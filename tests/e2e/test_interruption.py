"""A sweep that is stopped, killed, started twice or given more to do."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections import Counter
from typing import Any

import pytest
from optuna.trial import TrialState

from finesweep.sweep.study.study import find_study
from finesweep.sweep.study.workers import live_workers
from tests.e2e.conftest import Project
from tests.waiting import until
from tests.warm import Command

pytestmark = pytest.mark.slow
FINISHED = (TrialState.COMPLETE, TrialState.PRUNED)


def _status(project: Project, study: str = "small") -> dict[str, Any]:
    done = project.finesweep("status", study, "--json")
    assert done.returncode == 0, done.stderr
    status: dict[str, Any] = json.loads(done.stdout)
    return status


def _wait_until_one_is_finished_and_another_runs(
    project: Project, process: Command | subprocess.Popen[str]
) -> None:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        assert process.poll() is None, process.communicate()
        trials = project.trials()
        running = [t for t in trials if t.state == TrialState.RUNNING and t.intermediate_values]
        if running and any(trial.state in FINISHED for trial in trials):
            return
        time.sleep(0.05)
    raise AssertionError("no trial ran within two minutes")


def _assert_every_slot_is_finished_once(project: Project, n_slots: int) -> None:
    trials = project.trials()
    finished = Counter(t.user_attrs["slot"] for t in trials if t.state in FINISHED)
    assert finished == dict.fromkeys(range(n_slots), 1)
    assert not [t for t in trials if t.state in (TrialState.RUNNING, TrialState.WAITING)]
    assert not project.client.search_runs(["1"], "attributes.status = 'RUNNING'")


LONG = (
    "training.epochs=10",
    "sweep.n_trials=2",
    "sweep.pruner.n_startup_trials=9",
)
"""Trials that are still under way when a signal arrives."""


def _stop_in_the_middle(project: Project, kill: signal.Signals) -> Command:
    process = project.start("sweep", "small", *LONG)
    _wait_until_one_is_finished_and_another_runs(project, process)
    process.send_signal(kill)
    return process


@pytest.mark.parametrize("kill", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_releases_the_slot_within_seconds_and_the_same_command_goes_on(
    project: Project, kill: signal.Signals
) -> None:
    process = _stop_in_the_middle(project, kill)
    _, printed = process.communicate(timeout=30)
    before = {t.number: t.datetime_complete for t in project.trials() if t.state in FINISHED}
    assert before
    assert process.returncode == 130, printed
    assert "interrupted; run the same command to resume" in printed
    assert "Traceback" not in printed
    assert not [t for t in project.trials() if t.state == TrialState.RUNNING]
    (failed,) = [t for t in project.trials() if t.state == TrialState.FAIL]
    assert failed.user_attrs["reason"] == "interrupted"
    assert failed.user_attrs["committed"] > 0

    again = project.finesweep("sweep", "small", *LONG)

    assert again.returncode == 0, again.stderr
    _assert_every_slot_is_finished_once(project, 2)
    after = {t.number: t.datetime_complete for t in project.trials()}
    assert {number: after[number] for number in before} == before
    (run,) = project.client.search_runs(["1"], "tags.`finesweep.trial_state` = 'FAIL'")
    assert (run.info.status, run.data.tags["finesweep.reason"]) == ("FAILED", "interrupted")


def test_the_worker_of_a_killed_coordinator_finishes_its_slot_and_leaves(project: Project) -> None:
    process = _stop_in_the_middle(project, signal.SIGKILL)
    process.communicate(timeout=30)
    study = find_study("small", project.storage_url)
    until(lambda: not live_workers(study), seconds=60)
    assert not [t for t in project.trials() if t.state in (TrialState.RUNNING, TrialState.FAIL)]
    assert project.finesweep("sweep", "small", *LONG).returncode == 0
    _assert_every_slot_is_finished_once(project, 2)


def test_a_killed_worker_is_replaced_and_its_trial_goes_on_to_the_same_result(
    project: Project,
) -> None:
    arguments = ("sweep", "small", "sweep.n_trials=3", "storage.checkpoint_minutes=0.005")
    undisturbed = project.finesweep(*arguments, "sweep.study=twin")
    assert undisturbed.returncode == 0, undisturbed.stderr
    # Seeds come from study and slot, so only a study of the same name is the same.
    wanted = {t.user_attrs["slot"]: t for t in project.trials("twin")}
    assert project.finesweep("delete", "twin", "--yes", "--runs").returncode == 0

    process = project.start(*arguments, "sweep.study=twin")
    deadline = time.monotonic() + 120
    while not [t for t in project.trials("twin") if t.user_attrs.get("committed", 0) > 5]:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    (worker,) = live_workers(find_study("twin", project.storage_url))
    os.kill(worker.pid, signal.SIGKILL)
    printed, errors = process.communicate(timeout=600)

    assert process.returncode == 0, errors
    assert "ended with exit code -9; restarting it" in printed
    trials = project.trials("twin")
    (killed,) = [t for t in trials if t.state == TrialState.FAIL]
    assert killed.user_attrs["reason"] == "killed"
    finished = {t.user_attrs["slot"]: t for t in trials if t.state in FINISHED}
    slot = killed.user_attrs["slot"]
    assert finished[slot].params == wanted[slot].params
    assert finished[slot].value == wanted[slot].value
    assert finished[slot].intermediate_values == wanted[slot].intermediate_values


def test_two_sweep_commands_at_once_share_the_study(new_project: Project) -> None:
    both = [new_project.start("sweep", "small", "sweep.n_trials=4") for _ in range(2)]
    for process in both:
        _, errors = process.communicate(timeout=600)
        assert process.returncode == 0, errors
    _assert_every_slot_is_finished_once(new_project, 4)
    assert len(new_project.client.search_runs(["1"], "tags.`finesweep.kind` = 'sweep'")) == 1
    assert len(new_project.client.search_model_versions("name='small-model'")) == 1


def test_stop_lets_workers_finish_their_slot_and_sweep_goes_on(project: Project) -> None:
    process = project.start_fresh("sweep", "small", "workers=2")
    _wait_until_one_is_finished_and_another_runs(project, process)
    stopped = project.finesweep("stop", "small")
    assert stopped.returncode == 0, stopped.stderr
    assert "each finishes its slot first" in stopped.stdout
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 1
    assert errors == "finesweep: stopped by finesweep stop small\n"
    unfinished = (TrialState.RUNNING, TrialState.FAIL)
    assert [t.user_attrs for t in project.trials() if t.state in unfinished] == []
    assert _status(project)["stopped"] == "stopped by finesweep stop small"
    assert project.finesweep("sweep", "small").returncode == 0
    _assert_every_slot_is_finished_once(project, 6)


def test_a_deleted_sweep_leaves_neither_study_nor_checkpoints_nor_runs(project: Project) -> None:
    assert project.finesweep("sweep", "small", "sweep.n_trials=1").returncode == 0
    assert project.finesweep("delete", "small").returncode == 2
    done = project.finesweep("delete", "small", "--runs", "--yes")
    assert done.returncode == 0, done.stderr
    assert done.stdout == "removed study 'small', its checkpoints and its runs (3)\n"
    assert project.finesweep("status", "small").returncode == 2
    assert not (project.folder / "mlruns" / "checkpoints" / "small").exists()
    assert not project.client.search_runs(["1"])


def test_more_trials_continue_and_the_winner_of_all_is_registered(project: Project) -> None:
    assert project.finesweep("sweep", "small", "sweep.n_trials=2").returncode == 0
    (first,) = project.client.search_model_versions("name='small-model'")
    more = project.finesweep("sweep", "small", "sweep.n_trials=4", "workers=2")
    assert more.returncode == 0, more.stderr
    _assert_every_slot_is_finished_once(project, 4)
    best = min(
        (t for t in project.trials() if t.state == TrialState.COMPLETE), key=lambda t: t.value
    )
    champion = project.client.get_model_version_by_alias("small-model", "challenger")
    assert champion.run_id == _status(project)["best"]["run_id"]
    assert champion.tags["finesweep.trial_number"] == str(best.number)
    if best.number < 2:
        assert champion.version == first.version


def test_a_study_made_with_another_space_is_refused_and_a_new_name_helps(project: Project) -> None:
    assert project.finesweep("sweep", "small", "sweep.n_trials=1").returncode == 0
    narrower = ("training.weight_decay=interval(0.0, 0.05)", "sweep.n_trials=1")
    refused = project.finesweep("sweep", "small", *narrower)
    assert refused.returncode == 2
    assert "training.weight_decay: interval(0.0, 0.1) when" in refused.stderr
    assert "now interval(0.0, 0.05)" in refused.stderr
    assert "sweep.study=small-2" in refused.stderr
    assert len(project.trials()) == 1
    renamed = project.finesweep("sweep", "small", *narrower, "sweep.study=small-2")
    assert renamed.returncode == 0, renamed.stderr
    assert len(project.trials("small-2")) == 1


def test_a_timeout_leaves_the_rest_waiting(project: Project) -> None:
    done = project.finesweep("sweep", "small", "sweep.timeout_minutes=0.1", "sweep.n_trials=60")
    assert "waiting" in done.stdout
    assert not [t for t in project.trials() if t.state in (TrialState.RUNNING, TrialState.FAIL)]
    assert not project.client.search_model_versions("name='small-model'")


def test_trials_that_all_fail_stop_the_sweep_with_the_reason(project: Project) -> None:
    poisoned = ("training.learning_rate=1e30", "sweep.max_failures_in_a_row=2")
    done = project.finesweep("sweep", "small", *poisoned)
    assert done.returncode == 1
    assert "2 trials in a row failed; the last: " in done.stderr
    assert "NaN" in done.stderr or "nan" in done.stderr
    assert [t.state for t in project.trials()[:2]] == [TrialState.FAIL] * 2
    failed = project.client.search_runs(["1"], "tags.`finesweep.kind` = 'trial'")
    assert {run.info.status for run in failed} == {"FAILED"}
