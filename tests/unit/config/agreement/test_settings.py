"""Settings that must agree, told together before anything runs."""

from __future__ import annotations

import importlib.util
from typing import Any

import pytest

from finesweep.config import LauncherConfig, compose
from finesweep.config.agreement import run_problems, settings
from finesweep.config.schema import Config, TrackingConfig
from finesweep.errors import ConfigError, Problem


def complaints(*overrides: str) -> dict[str, str]:
    with pytest.raises(ConfigError) as raised:
        compose(overrides)
    return {problem.path: problem.message for problem in raised.value.problems}


@pytest.fixture(params=[True, False], ids=["peft", "no-peft"])
def is_installed(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> bool:
    """Whether peft can be found, whatever is installed here."""
    found: Any = importlib.util.find_spec("json") if request.param else None
    monkeypatch.setattr(settings, "find_spec", lambda name: found)
    return bool(request.param)


def test_adapters_need_a_package(is_installed: bool) -> None:
    if is_installed:
        assert compose(["model.lora_rank=8"]).config.model.lora_rank == 8
    else:
        told = "needs a package that is not installed: pip install 'finesweep[peft]'"
        assert complaints("model.lora_rank=8") == {"model.lora_rank": told}


def test_adapters_need_a_layer_that_is_not_frozen(is_installed: bool) -> None:
    told = complaints("model.lora_rank=8", "model.freeze_layers=all")["model.lora_rank"]
    assert told.startswith("8 given, but no layer is left to adapt: all are frozen")


@pytest.mark.parametrize(
    ("field", "value", "told"),
    [
        ("training.layer_decay", "0", "must be above 0 and at most 1"),
        ("training.layer_decay", "1.1", "must be above 0 and at most 1"),
        ("training.focal_gamma", "-1", "must be at least 0"),
        ("training.scheduler", "cosin", "did you mean 'cosine'?"),
        ("training.optimizer", "adamW", "did you mean 'adamw'?"),
        ("model.dropout", "1.0", "must be at least 0 and below 1"),
        ("model.pooling", "max", "is not a choice"),
        ("model.lora_rank", "0", "must be at least 1"),
    ],
)
def test_a_value_out_of_range_is_told_with_what_is_allowed(
    field: str, value: str, told: str
) -> None:
    assert told in complaints(f"{field}={value}")[field]


def test_the_defaults_are_off() -> None:
    config = compose().config
    assert (config.model.lora_rank, config.model.dropout, config.model.pooling) == (None,) * 3
    training = config.training
    assert (training.layer_decay, training.focal_gamma) == (1.0, 0.0)
    assert (training.optimizer, training.scheduler) == ("adamw", "linear")


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


def test_a_teacher_and_several_devices_are_one_too_many() -> None:
    told = complaints("training.teacher=models:/films@champion", "launcher.devices_per_trial=2")
    assert "trains on one device" in told["launcher.devices_per_trial"]
