"""Whole sweeps through other launchers: each only starts `finesweep work`; and one that is watched.

Ray's is in test_ray.py, with its cluster.
"""

from __future__ import annotations

import pytest

from tests.e2e.conftest import PLAIN, Project
from tests.waiting import until

pytestmark = pytest.mark.slow


def test_a_sweep_is_run_and_registered_by_workers_of_submitit(project: Project) -> None:
    pytest.importorskip("submitit")
    launcher = ("launcher=slurm", "launcher.cluster=local", "workers=1")
    assert_registered(project, *launcher)


def assert_registered(project: Project, *launcher: str) -> None:
    few = ("sweep.n_trials=2", "training.epochs=1", "sweep.baseline=false")
    done = project.finesweep("sweep", "small", *few, *launcher)
    assert done.returncode == 0, done.stderr + done.stdout
    assert "2 trials: 2 complete" in done.stdout
    assert "registered as small-model version 1, alias challenger" in done.stdout


def test_status_watch_ends_with_the_sweep(project: Project) -> None:
    few = ("sweep.n_trials=2", "training.epochs=8", *PLAIN)
    sweep = project.start("sweep", "small", *few)
    until(project.trials)
    watch = project.start("status", "small", "--watch")
    printed, errors = watch.communicate(timeout=600)
    assert watch.returncode == 0, errors
    assert printed.count("2 trials: ") > 1
    assert "no trial completed" not in printed
    sweep.communicate(timeout=60)
    assert sweep.returncode == 0
