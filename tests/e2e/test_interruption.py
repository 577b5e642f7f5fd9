"""A sweep that is stopped, killed, started twice or given more to do."""

from __future__ import annotations

import signal
import subprocess
import time
from collections import Counter

import optuna
import pytest
from optuna.trial import TrialState

from tests.e2e.conftest import Project

pytestmark = pytest.mark.slow
FINISHED = (TrialState.COMPLETE, TrialState.PRUNED)


def _trials(project: Project, study: str = "small") -> list[optuna.trial.FrozenTrial]:
    try:
        return optuna.load_study(study_name=study, storage=project.storage_url).trials
    except KeyError:  # the study is not made yet
        return []


def _wait_until_one_is_finished_and_another_runs(
    project: Project, process: subprocess.Popen[str]
) -> None:
    deadline = time.monotonic() + 120
    database = project.folder / "mlruns" / "optuna.db"
    while time.monotonic() < deadline:
        assert process.poll() is None, process.communicate()
        trials = _trials(project) if database.exists() else []
        running = [t for t in trials if t.state == TrialState.RUNNING and t.intermediate_values]
        if running and any(trial.state in FINISHED for trial in trials):
            return
        time.sleep(0.05)
    raise AssertionError("no trial ran within two minutes")


def _assert_every_slot_is_finished_once(project: Project, n_slots: int) -> None:
    trials = _trials(project)
    finished = Counter(t.user_attrs["slot"] for t in trials if t.state in FINISHED)
    assert finished == dict.fromkeys(range(n_slots), 1)
    assert not [t for t in trials if t.state in (TrialState.RUNNING, TrialState.WAITING)]
    assert not project.client.search_runs(["1"], "attributes.status = 'RUNNING'")


@pytest.mark.parametrize("kill", [signal.SIGKILL, signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_sweep_goes_on_without_repeating_finished_trials(
    project: Project, kill: signal.Signals
) -> None:
    process = project.start("sweep", "small")
    _wait_until_one_is_finished_and_another_runs(project, process)
    process.send_signal(kill)
    _, printed = process.communicate(timeout=60)
    before = {t.number: t.datetime_complete for t in _trials(project) if t.state in FINISHED}
    assert before
    if kill is not signal.SIGKILL:
        assert process.returncode == 130, printed
        assert "interrupted; the same command goes on" in printed
        assert "Traceback" not in printed
        assert not [t for t in _trials(project) if t.state == TrialState.RUNNING]

    again = project.finesweep("sweep", "small")

    assert again.returncode == 0, again.stderr
    _assert_every_slot_is_finished_once(project, 6)
    after = {t.number: t.datetime_complete for t in _trials(project)}
    assert {number: after[number] for number in before} == before
    (failed,) = [t for t in _trials(project) if t.state == TrialState.FAIL]
    assert failed.user_attrs["reason"] == ("killed" if kill is signal.SIGKILL else "interrupted")
    (run,) = project.client.search_runs(["1"], "tags.`finesweep.trial_state` = 'FAIL'")
    assert run.info.status == "FAILED"
    assert run.data.tags["finesweep.reason"] == failed.user_attrs["reason"]


def test_a_second_process_on_the_same_study_is_refused(project: Project) -> None:
    first = project.start("sweep", "small", "sweep.n_trials=50")
    _wait_until_one_is_finished_and_another_runs(project, first)
    second = project.finesweep("sweep", "small", "sweep.n_trials=50")
    first.send_signal(signal.SIGINT)
    first.communicate(timeout=60)
    assert second.returncode == 1
    assert second.stderr.startswith("finesweep: 'small' is being run by another process")


def test_more_trials_continue_and_the_winner_of_all_is_registered(project: Project) -> None:
    assert project.finesweep("sweep", "small", "sweep.n_trials=2").returncode == 0
    (first,) = project.client.search_model_versions("name='small-model'")
    refused = project.finesweep("sweep", "small", "sweep.n_trials=4", "workers=2")
    assert refused.returncode == 2
    assert "workers: 2 given; a sweep has one worker" in refused.stderr
    more = project.finesweep("sweep", "small", "sweep.n_trials=4")
    assert more.returncode == 0, more.stderr
    _assert_every_slot_is_finished_once(project, 4)
    best = min(
        (t for t in _trials(project) if t.state == TrialState.COMPLETE), key=lambda t: t.value
    )
    champion = project.client.get_model_version_by_alias("small-model", "challenger")
    assert champion.run_id == best.user_attrs["run_id"]
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
    assert len(_trials(project)) == 1
    renamed = project.finesweep("sweep", "small", *narrower, "sweep.study=small-2")
    assert renamed.returncode == 0, renamed.stderr
    assert len(_trials(project, "small-2")) == 1


def test_a_timeout_leaves_the_rest_waiting(project: Project) -> None:
    done = project.finesweep("sweep", "small", "sweep.timeout_minutes=0.001")
    assert done.returncode == 0, done.stderr
    assert "6 trials: 1 complete, 5 waiting" in done.stdout
    assert not project.client.search_model_versions("name='small-model'")


def test_trials_that_all_fail_stop_the_sweep_with_the_reason(project: Project) -> None:
    poisoned = ("training.learning_rate=1e30", "sweep.max_failures_in_a_row=2")
    done = project.finesweep("sweep", "small", *poisoned)
    assert done.returncode == 1
    assert "2 trials in a row failed; the last: " in done.stderr
    assert "NaN" in done.stderr or "nan" in done.stderr
    assert [t.state for t in _trials(project)[:2]] == [TrialState.FAIL] * 2
    failed = project.client.search_runs(["1"], "tags.`finesweep.kind` = 'trial'")
    assert {run.info.status for run in failed} == {"FAILED"}
