"""A sweep whose trials train on two ranks each, one of which is killed."""

from __future__ import annotations

from collections import Counter

import psutil
import pytest
from optuna.trial import TrialState

from tests.e2e.conftest import Project
from tests.waiting import until

pytestmark = pytest.mark.slow
RANK = "finesweep.cli.startup.rank"[:15]
"""Its name in `ps`."""
FINISHED = (TrialState.COMPLETE, TrialState.PRUNED)


def ranks_of(project: Project) -> list[psutil.Process]:
    """The running ranks besides the worker itself."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.name() == RANK and process.cwd() == str(project.folder):
                found.append(process)
        except psutil.Error:  # another user's, or gone
            continue
    return found


def test_a_sweep_on_two_ranks_prunes_and_retries_what_a_killed_rank_interrupted(
    project: Project,
) -> None:
    sweep = project.start(
        "sweep",
        "small",
        "launcher.devices_per_trial=2",
        "sweep.n_trials=3",
        "sweep.baseline=false",
        "sweep.register=null",
    )
    until(lambda: ranks_of(project))
    (rank,) = ranks_of(project)
    until(lambda: any(trial.intermediate_values for trial in project.trials()))
    rank.kill()
    printed, errors = sweep.communicate()
    assert sweep.returncode == 0, errors + printed
    assert "each trial trains on 2 devices; no activations are cached" in printed
    assert "1 interrupted attempt retried" in printed
    trials = project.trials()
    finished = Counter(t.user_attrs["slot"] for t in trials if t.state in FINISHED)
    assert finished == dict.fromkeys(range(3), 1)
    (failed,) = [trial for trial in trials if trial.state == TrialState.FAIL]
    assert failed.user_attrs["reason"] == "rank 1 died"
    (pruned,) = [trial for trial in trials if trial.state == TrialState.PRUNED]
    assert pruned.user_attrs["slot"] == 2  # at a learning rate of 1e-8
    assert ranks_of(project) == []
    query = f"tags.`finesweep.trial_number` = '{pruned.number}'"
    (run,) = project.client.search_runs(["1"], query)
    assert run.info.status == "KILLED"
    assert run.data.params["launcher.devices_per_trial"] == "2"
    assert run.data.params["activation_cache"] == "off: the run trains on 2 devices"
