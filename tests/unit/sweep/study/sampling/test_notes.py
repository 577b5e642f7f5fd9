"""What a sampler cannot do with a search space is said in a sentence each."""

from __future__ import annotations

from typing import Any

import pytest
from tests.unit.sweep.study.sampling.spaces import plan_with

from finesweep.sweep.study.sampling.notes import sampler_notes

COMPLETE_ONLY = "learns nothing from pruned trials; sweep.pruner=null prunes none"
CONDITIONAL = "draws model.freeze_layers at random, because it searches only what every trial has"


def few(name: str, number: int) -> str:
    return f"draws all at random: its {name} is {number}, and the sweep has 9 trials"


@pytest.mark.parametrize(
    ("sampler", "settings", "notes"),
    [
        ("RandomSampler", {}, []),
        ("GridSampler", {}, []),
        ("TPESampler", {}, [few("n_startup_trials", 10)]),
        ("TPESampler, n_startup_trials: 8", {}, []),
        ("TPESampler", {"n_trials": None, "timeout_minutes": 5}, []),
        ("GPSampler, n_startup_trials: 4", {}, [CONDITIONAL, COMPLETE_ONLY]),
        ("GPSampler, n_startup_trials: 4", {"pruner": None}, [CONDITIONAL]),
        ("GPSampler, warn_independent_sampling: false, n_startup_trials: 4", {}, [COMPLETE_ONLY]),
        ("NSGAIISampler", {}, [CONDITIONAL, few("population_size", 50), COMPLETE_ONLY]),
        ("NSGAIIISampler, population_size: 4", {"pruner": None}, [CONDITIONAL]),
        (
            "CmaEsSampler, consider_pruned_trials: true",
            {},
            [
                "draws model, training.learning_rate and model.freeze_layers at random, because it "
                "searches only numbers that every trial has"
            ],
        ),
        ("QMCSampler", {}, []),
    ],
)
def test_each_sampler_has_its_notes(
    sampler: str, settings: dict[str, Any], notes: list[str]
) -> None:
    name = sampler.partition(",")[0]
    found = sampler_notes(plan_with(sampler, **{"n_trials": 9, **settings}))
    assert found == [f"sampler: {name} {note}" for note in notes]


def test_a_space_without_conditions_needs_no_note() -> None:
    fixed = ("model=minilm", "model.freeze_layers=0")
    for name in ("GPSampler", "NSGAIISampler, population_size: 4"):
        assert sampler_notes(plan_with(name, *fixed, n_trials=20, pruner=None)) == []
