"""A sweep by time runs as many trials as fit, confirms them and goes on with the next command."""

from __future__ import annotations

import json
import os
import signal
from collections import Counter
from typing import Any

import pytest
from optuna.trial import TrialState

from finesweep.sweep.study.study import find_study
from finesweep.sweep.study.workers import live_workers
from tests.e2e.conftest import Project
from tests.waiting import until

MINUTES = 0.07
BY_TIME = ("sweep.n_trials=null", f"sweep.timeout_minutes={MINUTES}")
SHORT = ("training.epochs=1", "training.evaluations_per_epoch=1", "sweep.baseline=false")
CONFIRM = "sweep.confirm={top_k: 2, seeds: 1}"
pytestmark = pytest.mark.slow
ENDED = (TrialState.COMPLETE, TrialState.PRUNED)


def status_of(project: Project) -> dict[str, Any]:
    printed = project.finesweep("status", "small", "--json")
    assert printed.returncode == 0, printed.stderr
    return dict(json.loads(printed.stdout))


def assert_settled(project: Project) -> int:
    """Number of slots, each of which finished once; the winner is registered."""
    status = status_of(project)
    slots = Counter(t.user_attrs["slot"] for t in project.trials() if t.state in ENDED)
    assert slots == dict.fromkeys(range(status["target"]), 1)
    assert (status["time_budget"]["is_by_time"], status["time_budget"]["is_open"]) == (True, False)
    assert status["registered"]["alias"] == "challenger"
    return int(status["target"])


def test_what_fits_is_run_confirmed_and_registered_and_the_next_command_goes_on(
    project: Project,
) -> None:
    done = project.finesweep("sweep", "small", *BY_TIME, *SHORT, CONFIRM)
    assert done.returncode == 0, done.stderr
    assert f"as many trials as fit into {MINUTES} min, their confirmation included" in done.stdout
    first = assert_settled(project)
    status = status_of(project)
    began = [trial.datetime_start for trial in project.trials() if trial.state in ENDED]
    ends_at = status["time_budget"]["ends_at"]
    assert max(each.timestamp() for each in began if each is not None) < ends_at
    assert status["n_confirmations"] == min(2, status["counts"]["complete"])
    assert 0 < status["time_budget"]["reserved_seconds"] <= 30 * MINUTES
    assert f"{first} trial" in done.stdout.partition(f"would end within {MINUTES} min")[2]
    assert "sweep.n_trials=null" in done.stdout.rpartition("next:")[2]

    longer = ("sweep.n_trials=null", f"sweep.timeout_minutes={2 * MINUTES}")
    again = project.finesweep("sweep", "small", *longer, *SHORT, "workers=2")
    assert again.returncode == 0, again.stderr
    assert assert_settled(project) > first


def test_killed_with_its_worker_it_goes_on_by_the_same_command(project: Project) -> None:
    same = (*SHORT, "sweep.pruner.n_startup_trials=99")
    minute = ("sweep.n_trials=null", "sweep.timeout_minutes=1")
    process = project.start("sweep", "small", *minute, *same)
    until(lambda: any(trial.state in ENDED for trial in project.trials()))
    (worker,) = live_workers(find_study("small", project.storage_url))
    process.kill()
    os.kill(worker.pid, signal.SIGKILL)
    process.communicate()
    before = {trial.number for trial in project.trials() if trial.state in ENDED}
    assert status_of(project)["time_budget"]["is_open"]

    again = project.finesweep("sweep", "small", *BY_TIME, *same)
    assert again.returncode == 0, again.stderr
    assert_settled(project)
    assert before <= {trial.number for trial in project.trials() if trial.state in ENDED}


@pytest.mark.parametrize("given", [["sweep.n_trials=null"], ["sweep.n_trials=null", "workers=2"]])
def test_neither_trials_nor_time_is_one_message(project: Project, given: list[str]) -> None:
    refused = project.finesweep("sweep", "small", *given)
    assert refused.returncode == 2
    assert "sweep.n_trials: null given; must be a number of trials" in refused.stderr
