"""Runs are named so that they can be told apart."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from finesweep.config import compose
from finesweep.runs.run_name import model_name, run_name

PATH = ["dataset=local", "dataset.path=a.csv"]
RATE, LENGTH = "training.learning_rate", "dataset.max_length"


def test_a_run_is_named_by_choice_and_data() -> None:
    composed = compose(["model=minilm", *PATH])
    assert run_name(composed) == "minilm on local"
    assert model_name(replace(composed, choices={})) == composed.config.model.name_or_path


@pytest.mark.parametrize(
    ("values", "name"),
    [
        ({}, "7 minilm"),
        ({LENGTH: 32, RATE: 2.91e-4, "model": "minilm"}, "7 minilm lr 2.9e-4 L32"),
        (
            {RATE: 0.0123, "training.weight_decay": 0.0, "training.seed": 5},
            "7 minilm lr 0.012 wd 0.0",
        ),
        (
            {"training.label_smoothing": 0.1, "model.freeze_layers": "all"},
            "7 minilm frozen all label_smoothing 0.1",
        ),
    ],
)
def test_a_trial_is_named_by_its_number_model_and_searched_values(
    values: dict[str, Any], name: str
) -> None:
    assert run_name(compose(["model=minilm", *PATH]), "7", values) == name
