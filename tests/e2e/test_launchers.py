"""Whole sweeps through the other launchers: each only starts `finesweep work`."""

from __future__ import annotations

import pytest

from tests.e2e.conftest import Project

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(
    "launcher",
    [
        pytest.param(("launcher=ray",), marks=pytest.mark.xdist_group("ray")),
        ("launcher=slurm", "launcher.cluster=local"),
    ],
    ids=["ray", "submitit"],
)
def test_a_sweep_is_run_and_registered_by_workers_of_a_launcher(
    project: Project, launcher: tuple[str, ...]
) -> None:
    pytest.importorskip("ray" if "ray" in launcher[0] else "submitit")
    done = project.finesweep("sweep", "small", "sweep.n_trials=2", "workers=1", *launcher)
    assert done.returncode == 0, done.stderr + done.stdout
    assert "2 trials: 2 complete" in done.stdout
    assert "registered as small-model version 1, alias challenger" in done.stdout


def test_status_watch_ends_with_the_sweep(project: Project) -> None:
    sweep = project.start("sweep", "small", "sweep.n_trials=2", "training.epochs=30")
    while project.finesweep("status", "small").returncode:  # the study is not made yet
        assert sweep.poll() is None
    watch = project.start("status", "small", "--watch")
    printed, errors = watch.communicate(timeout=600)
    assert watch.returncode == 0, errors
    assert printed.count("2 trials: ") > 1
    assert "no trial completed" not in printed
    sweep.communicate(timeout=60)
    assert sweep.returncode == 0
