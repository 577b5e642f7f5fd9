"""What combining the seeds gained, to the letter."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Any

from finesweep.records import Finalist
from finesweep.sweep.comparisons import CombinationGain
from finesweep.sweep.gains import combination_gain, combination_tried, gains

GAIN = CombinationGain(
    way="ensemble",
    n_members=3,
    metric="validation/loss",
    validation=(0.4, 0.45),
    best_seed_uid="u/confirmation/1",
    best_seed_metrics={"test/accuracy": 0.8, "test/loss": 0.5, "test/f1": 0.7},
    n_gained=9,
    n_lost=1,
    p=0.021484375,
    latency_ms=(12.0, 4.0),
)
BEST = Finalist(0, "run", "m", {"test/accuracy": 0.82, "test/loss": 0.52}, 0.5, 10, 8)
TRIED: dict[str, Any] = {
    "values": {"best seed": 0.45, "uniform soup": 0.5},
    "chosen": "best seed",
    "members": [1],
    "omissions": [],
}


def of(gain: CombinationGain) -> Finalist:
    return replace(BEST, combined=asdict(gain))


def test_a_gain_is_told_on_validation_on_test_and_in_time() -> None:
    assert combination_gain(of(GAIN)) == [
        "ensemble of 3 seeds: validation/loss 0.4000, 0.0500 better than the best seed's 0.4500",
        "against the best seed on the same test rows: test/accuracy 0.0200 better than its 0.8000,"
        " test/loss 0.0200 worse than its 0.5000; right on 9 rows that it gets wrong, wrong on 1"
        " that it gets right (p 0.021)",
        "one text takes 12.0 ms, 4.0 ms by the best seed",
    ]
    assert len(combination_gain(of(replace(GAIN, latency_ms=(5.0, 4.0))))) == 2
    assert combination_gain(BEST) == []


def test_gains_are_positive_where_it_is_better() -> None:
    rounded = {name: round(value, 6) for name, value in gains(of(GAIN)).items()}
    assert rounded == {
        "combined_gain/validation/loss": 0.05,
        "combined_gain/test/accuracy": 0.02,
        "combined_gain/test/loss": -0.02,
    }
    assert gains(BEST) == {}


def test_what_was_tried_is_told_with_what_was_not() -> None:
    assert combination_tried(TRIED, "validation/loss") == (
        "seeds combined, by validation/loss: best seed 0.4500, uniform soup 0.5000; best: best seed"
    )
    soup = TRIED | {"chosen": "uniform soup", "members": [1, 2], "omissions": ["a reason"]}
    assert combination_tried(soup, "validation/loss").endswith(
        "; best: uniform soup of 2 seeds (a reason)"
    )
    none = TRIED | {"values": {}, "omissions": ["a reason"]}
    told = "the winner's seeds were not combined: a reason"
    assert combination_tried(none, "validation/loss") == told
