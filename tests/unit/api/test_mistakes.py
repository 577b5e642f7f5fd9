"""Mistakes reach a caller as ConfigError, in the words of the function that was called."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

import finesweep
from finesweep import ConfigError

MISTAKES = [
    (lambda: finesweep.compose(["training.epoch=2"]), "training.epoch: no such field"),
    (lambda: finesweep.train(["model=bort"], progress=False), "model: no choice 'bort'"),
    (lambda: finesweep.explore(["dataset=local", "dataset.path=absent.csv"]), "absent.csv"),
    (lambda: finesweep.run_sweep("absent"), "sweep: no sweep 'absent'"),
    (lambda: finesweep.run_sweep("demo", workers=0), "workers: 0 given; must be at least 1"),
    (lambda: finesweep.promote("m", alpha=0.7), "^alpha: 0.7 given; must be between 0 and 0.5"),
    (lambda: finesweep.promote("m", margin=-1), "^margin: -1 given; must be at least 0, below 1"),
    (lambda: finesweep.promote("m", mode="better"), "^mode: 'better' given; "),  # type: ignore
    (lambda: finesweep.promote("a/b"), "^model: 'a/b' given"),
    (lambda: finesweep.load_model("absent"), "^uri: 'absent' is neither a folder nor a model URI"),
    (lambda: finesweep.load_model("models:/m/1"), "^tracking.uri: no store at "),
]


@pytest.mark.parametrize(("call", "message"), MISTAKES, ids=[text for _, text in MISTAKES])
def test_a_mistake_is_a_config_error(
    workplace: Path, call: Callable[[], object], message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        call()
    assert [path.name for path in workplace.iterdir() if path.name != "mlruns"] == []


def test_a_config_error_is_a_finesweep_error() -> None:
    assert issubclass(finesweep.ConfigError, finesweep.FinesweepError)
