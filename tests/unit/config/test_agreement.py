"""Devices of one trial are on one machine: of a cluster only if each worker has as many there."""

from __future__ import annotations

import pytest

from finesweep.config import LauncherConfig
from finesweep.config.agreement import run_problems
from finesweep.config.schema import Config, TrackingConfig
from finesweep.errors import Problem


def problems(**launcher: object) -> list[Problem]:
    config = Config(tracking=TrackingConfig(uri=""), launcher=LauncherConfig(**launcher))  # type: ignore[arg-type]
    return run_problems(config)


def test_a_worker_of_a_cluster_with_too_few_gpus_is_refused() -> None:
    (problem,) = problems(name="ray", gpus_per_worker=1, devices_per_trial=2)
    assert str(problem) == (
        "launcher.devices_per_trial: 2 given, but each worker has launcher.gpus_per_worker=1; give"
        " each as many: launcher.gpus_per_worker=2"
    )
    assert problems(name="slurm", gpus_per_worker=1.5, devices_per_trial=2)


@pytest.mark.parametrize(
    "launcher",
    [
        {"name": "ray", "gpus_per_worker": 0.5},  # two workers share a GPU
        {"name": "slurm", "gpus_per_worker": 4, "devices_per_trial": 4},
        {"name": "ray", "gpus_per_worker": 0, "devices_per_trial": 2},  # processes
        {"name": "local", "devices_per_trial": 2},
    ],
)
def test_other_workers_are_not(launcher: dict[str, object]) -> None:
    assert problems(**launcher) == []
