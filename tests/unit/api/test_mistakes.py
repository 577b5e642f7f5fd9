"""Mistakes reach a caller as ConfigError, in the words of the function that was called."""

from __future__ import annotations

from collections.abc import Callable
from inspect import isfunction, signature
from pathlib import Path
from typing import Any

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
    (lambda: finesweep.compare("reviews"), r"^names: takes a list; \['reviews'\] for one"),
    (lambda: finesweep.compare(["a", 1]), "^names: number 2 is no text but int: 1"),  # type: ignore
    (lambda: finesweep.load_model("models:/m/1"), "^tracking.uri: no store at "),
]


@pytest.mark.parametrize(("call", "message"), MISTAKES, ids=[text for _, text in MISTAKES])
def test_a_mistake_is_a_config_error(
    workplace: Path, call: Callable[[], object], message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        call()
    assert [path.name for path in workplace.iterdir() if path.name != "mlruns"] == []


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        ("model=minilm", r"^overrides: takes a list; \['model=minilm'\] for one$"),
        (None, "^overrides: takes a list of texts; None given$"),
        (
            {"training.epochs": 2},
            "^overrides: takes a list of texts; {'training.epochs': 2} given$",
        ),
        (
            [{"training.epochs": 2}],
            "^overrides: number 1 is no text but dict: {'training.epochs': 2}$",
        ),
    ],
)
def test_every_function_says_what_is_no_list_of_overrides(
    workplace: Path, overrides: Any, message: str
) -> None:
    required = {"names": ["a", "b"], "uri": "models:/m/1", "run": "r", "model": "m"}
    functions = [each for name in finesweep.__all__ if isfunction(each := getattr(finesweep, name))]
    assert len(functions) >= 11
    for function in functions:
        given = {
            name: required.get(name, "demo")
            for name, each in signature(function).parameters.items()
            if each.default is each.empty
        }
        with pytest.raises(ConfigError, match=message):
            function(**given, overrides=overrides)


def test_a_config_error_is_a_finesweep_error() -> None:
    assert issubclass(finesweep.ConfigError, finesweep.FinesweepError)
