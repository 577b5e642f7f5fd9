"""Published experiments: each runs by the command that it is headed by."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from finesweep.config import compose, compose_sweep, group_choices

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[3]
EXPERIMENTS = sorted(path.stem for path in (ROOT / "conf" / "experiment").glob("*.yaml"))
OFFLINE = ("dataset=local", "dataset.path=x.csv", "model=minilm")


def test_there_are_five_and_hydra_knows_them() -> None:
    assert len(EXPERIMENTS) == 5
    assert sorted(group_choices("experiment")) == EXPERIMENTS


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_an_experiment_is_headed_by_the_command_that_composes_it(name: str) -> None:
    head = (ROOT / "conf" / "experiment" / f"{name}.yaml").read_text(encoding="utf-8").splitlines()
    assert head[0] == "# @package _global_"
    command = re.search(r"finesweep train (.*)$", head[1])
    assert command is not None
    assert command[1] == f"experiment={name}"
    composed = compose(shlex.split(command[1]))
    assert composed.config.dataset.hub is not None
    assert composed.config.training.evaluations_per_epoch == 1


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_an_experiment_runs_on_a_file_and_another_model(name: str) -> None:
    own, other = compose([f"experiment={name}"]), compose([f"experiment={name}", *OFFLINE])
    assert other.config.training == own.config.training
    assert other.config.dataset.max_length == own.config.dataset.max_length
    assert other.config.dataset.hub is None
    assert other.choices["model"] == "minilm"


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_its_sweep_tries_the_experiment_first_and_searches_around_it(name: str) -> None:
    plan, experiment = compose_sweep(name, []), compose([f"experiment={name}"])
    values = experiment.flat()
    first = plan.enqueued[0]
    assert {path: values[path] for path in first} == dict(first)
    assert {item.path for item in plan.searched} == set(first)
    assert plan.base.config.dataset.hub == experiment.config.dataset.hub
