"""A sweep that is stopped, killed, started twice or given more to do."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections import Counter
from datetime import datetime
from typing import Any

import pytest
from optuna.trial import FrozenTrial, TrialState

from finesweep.sweep.study.study import find_study
from finesweep.sweep.study.workers import live_workers
from tests.e2e.conftest import PLAIN, Project
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


def _trials_of(*epochs: int) -> tuple[str, ...]:
    """Overrides for one trial of each of these numbers of epochs, of which none is pruned."""
    alike = "model:tiny,model.freeze_layers:0,training.learning_rate:0.01"
    each = ",".join(f"{{{alike},training.epochs:{n}}}" for n in epochs)
    choices = ",".join(str(n) for n in sorted(set(epochs)))
    return (
        f"sweep.n_trials={len(epochs)}",
        f"training.epochs=choice({choices})",
        f"sweep.enqueue=[{each}]",
        "sweep.pruner.n_startup_trials=9",
        *PLAIN,
    )


LONG = _trials_of(1, 24, 1)
"""Of which the second is still under way when the third signal arrives."""


def _stop_in_the_middle(project: Project, kill: signal.Signals) -> Command:
    process = project.start("sweep", "small", *LONG)
    _wait_until_one_is_finished_and_another_runs(project, process)
    process.send_signal(kill)
    return process


def _ended(project: Project) -> dict[int, datetime | None]:
    """Number of each finished trial → when it ended."""
    return {t.number: t.datetime_complete for t in project.trials() if t.state in FINISHED}


def _failed(project: Project) -> list[FrozenTrial]:
    return [trial for trial in project.trials() if trial.state == TrialState.FAIL]


def test_signals_release_the_slot_and_a_killed_coordinator_s_worker_ends_it(
    project: Project,
) -> None:
    """Within seconds; and after each the same command goes on."""
    before = dict[int, datetime | None]()
    for n_failed, kill in enumerate((signal.SIGINT, signal.SIGTERM), start=1):
        process = _stop_in_the_middle(project, kill)
        _, printed = process.communicate(timeout=30)
        assert process.returncode == 130, printed
        assert "interrupted; run the same command to resume" in printed
        assert "Traceback" not in printed
        assert _ended(project).items() >= before.items()
        before = _ended(project)
        assert len(before) == 1
        assert not [t for t in project.trials() if t.state == TrialState.RUNNING]
        failed = _failed(project)
        assert len(failed) == n_failed
        assert failed[-1].user_attrs["reason"] == "interrupted"
        assert failed[-1].user_attrs["committed"] > 0

    process = _stop_in_the_middle(project, signal.SIGKILL)
    process.communicate(timeout=30)
    study = find_study("small", project.storage_url)
    until(lambda: not live_workers(study), seconds=60)
    assert _failed(project) == failed
    slots = {t.user_attrs["slot"]: t.state for t in project.trials()}
    assert slots == {0: TrialState.COMPLETE, 1: TrialState.COMPLETE, 2: TrialState.WAITING}

    again = project.finesweep("sweep", "small", *LONG)
    assert again.returncode == 0, again.stderr
    _assert_every_slot_is_finished_once(project, 3)
    assert _ended(project).items() >= before.items()
    released = project.client.search_runs(["1"], "tags.`finesweep.trial_state` = 'FAIL'")
    reasons = [(run.info.status, run.data.tags["finesweep.reason"]) for run in released]
    assert reasons == [("FAILED", "interrupted")] * 2


def test_a_killed_worker_is_replaced_and_its_trial_goes_on_to_the_same_result(
    project: Project,
) -> None:
    sampled = ("sweep.n_trials=1", "sweep.enqueue=[]", "training.epochs=5", *PLAIN)
    arguments = ("sweep", "small", *sampled, "storage.checkpoint_minutes=0.005")
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
    few = ("sweep.n_trials=3", "sweep.baseline=false", "training.epochs=1")
    both = [new_project.start("sweep", "small", *few) for _ in range(2)]
    for process in both:
        _, errors = process.communicate(timeout=600)
        assert process.returncode == 0, errors
    _assert_every_slot_is_finished_once(new_project, 3)
    assert len(new_project.client.search_runs(["1"], "tags.`finesweep.kind` = 'sweep'")) == 1
    assert len(new_project.client.search_model_versions("name='small-model'")) == 1


def test_stop_lets_workers_finish_their_slot_and_sweep_goes_on(project: Project) -> None:
    arguments = ("sweep", "small", *_trials_of(1, 24, 24, 1))
    process = project.start_fresh(*arguments, "workers=2")
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
    assert len(_ended(project)) < 4  # the last slot was left
    assert project.finesweep(*arguments).returncode == 0
    _assert_every_slot_is_finished_once(project, 4)


@pytest.mark.xdist_group("swept")
def test_a_deleted_sweep_leaves_neither_study_nor_checkpoints_nor_runs(finished: Project) -> None:
    assert (finished.folder / "mlruns" / "checkpoints" / "small").exists()
    assert finished.finesweep("delete", "small").returncode == 2
    done = finished.finesweep("delete", "small", "--runs", "--yes")
    assert done.returncode == 0, done.stderr
    # The sweep, six trials and the baseline.
    assert done.stdout == "removed study 'small', its checkpoints and its runs (8)\n"
    assert finished.finesweep("status", "small").returncode == 2
    assert not (finished.folder / "mlruns" / "checkpoints" / "small").exists()
    assert not finished.client.search_runs(["1"])


@pytest.mark.xdist_group("swept")
def test_more_trials_continue_and_the_winner_of_all_is_registered(finished: Project) -> None:
    (first,) = finished.client.search_model_versions("name='small-model'")
    before = _ended(finished)
    more = finished.finesweep("sweep", "small", "sweep.n_trials=8", "workers=2")
    assert more.returncode == 0, more.stderr
    _assert_every_slot_is_finished_once(finished, 8)
    assert len(before) == 6
    assert _ended(finished).items() >= before.items()
    best = min(
        (t for t in finished.trials() if t.state == TrialState.COMPLETE), key=lambda t: t.value
    )
    champion = finished.client.get_model_version_by_alias("small-model", "challenger")
    assert champion.run_id == _status(finished)["best"]["run_id"]
    assert champion.tags["finesweep.trial_number"] == str(best.number)
    if best.number < 6:
        assert champion.version == first.version


@pytest.mark.xdist_group("swept")
def test_a_study_made_with_another_space_is_refused_and_a_new_name_helps(finished: Project) -> None:
    narrower = ("training.weight_decay=interval(0.0, 0.05)", "sweep.n_trials=1", *PLAIN)
    refused = finished.finesweep("sweep", "small", *narrower)
    assert refused.returncode == 2
    assert "training.weight_decay: interval(0.0, 0.1) when" in refused.stderr
    assert "now interval(0.0, 0.05)" in refused.stderr
    assert "sweep.study=small-2" in refused.stderr
    assert len(finished.trials()) == 6
    renamed = finished.finesweep("sweep", "small", *narrower, "sweep.study=small-2")
    assert renamed.returncode == 0, renamed.stderr
    assert len(finished.trials("small-2")) == 1


def test_a_timeout_leaves_the_rest_waiting(project: Project) -> None:
    done = project.finesweep("sweep", "small", "sweep.timeout_minutes=0.05", "sweep.n_trials=60")
    assert "waiting" in done.stdout
    assert not [t for t in project.trials() if t.state in (TrialState.RUNNING, TrialState.FAIL)]
    assert not project.client.search_model_versions("name='small-model'")


def test_trials_that_all_fail_stop_the_sweep_with_the_reason(project: Project) -> None:
    poisoned = ("training.learning_rate=1e30", "sweep.max_failures_in_a_row=2", *PLAIN)
    done = project.finesweep("sweep", "small", *poisoned)
    assert done.returncode == 1
    assert "2 trials in a row failed; the last: " in done.stderr
    assert "NaN" in done.stderr or "nan" in done.stderr
    assert [t.state for t in project.trials()[:2]] == [TrialState.FAIL] * 2
    failed = project.client.search_runs(["1"], "tags.`finesweep.kind` = 'trial'")
    assert {run.info.status for run in failed} == {"FAILED"}
