"""What a pruner does by default is said, and what its steps mean where they may be mistaken."""

from __future__ import annotations

import pytest
from tests.unit.sweep.study.pruning.test_node import EVALUATIONS, plan_with

from finesweep.sweep.study.pruning.notes import pruner_notes

HALF = "are compared at 33 % of their schedule"


@pytest.mark.parametrize(
    ("given", "notes"),
    [
        (
            "HyperbandPruner",
            [
                f"pruner: trials are in 2 brackets by their slots: 60 % {HALF}, 40 % run to their "
                "end; the best third of each model and bracket goes on"
            ],
        ),
        (
            "PatientPruner, patience: 1, wrapped_pruner: "
            "{_target_: optuna.pruners.SuccessiveHalvingPruner, min_resource: 5%}",
            [
                "pruner: trials are compared at 5, 20 and 80 % of their schedule; the best quarter "
                "of each model goes on",
                "pruner: the shortest trials are evaluated first at 12 % of their schedule, after "
                "the rung at 5 %; raise training.evaluations_per_epoch",
            ],
        ),
        (
            "SuccessiveHalvingPruner, min_resource: 2000, reduction_factor: 7",
            [
                "pruner: trials are compared at 2,000, 14,000, … training examples; the best 1/7 "
                "of each model goes on"
            ],
        ),
        (
            "MedianPruner, n_warmup_steps: 2",
            [
                "pruner: n_warmup_steps: 2 means 2 training examples; write 25% for a share of "
                "each trial's schedule"
            ],
        ),
        ("MedianPruner, n_warmup_steps: 2000", []),
        ("MedianPruner, n_warmup_steps: 25%", []),
        (None, []),
    ],
)
def test_a_note_says_what_the_name_does_not(given: str | None, notes: list[str]) -> None:
    assert pruner_notes(plan_with(given)) == notes


def test_halving_starts_where_rare_evaluations_begin() -> None:
    (note,) = pruner_notes(plan_with("HyperbandPruner", EVALUATIONS % 1))
    assert "1 bracket by their slots: 100 % are compared at 50 % of their schedule" in note
