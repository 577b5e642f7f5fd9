"""Which trial of a front wins by each rule, and what the screen says of it."""

from __future__ import annotations

from typing import Any

import pytest

from finesweep.records import Objective
from finesweep.sweep.selection.pick import pick_of

OBJECTIVES = (Objective("validation/loss"), Objective("latency_ms/one_p50"))
VALUES = {
    number: {"validation/loss": loss, "latency_ms/one_p50": latency}
    for number, (loss, latency) in {
        4: (0.400, 60.0),
        7: (0.405, 12.0),
        2: (0.409, 11.5),
        5: (0.600, 5.0),
        6: (0.402, 70.0),  # beaten by 4
    }.items()
}


@pytest.mark.parametrize(
    ("rule", "trial", "why"),
    [
        (
            "best_first",
            4,
            "trial 4 has the best validation/loss: validation/loss 0.4000,"
            " latency_ms/one_p50 60.0000",
        ),
        (
            {"best_first_within": {"validation/loss": 0.01}},
            2,
            "trial 2 has the best latency_ms/one_p50 of 3 trials on the front within 0.01 of the"
            " best validation/loss, 0.4000: validation/loss 0.4090, latency_ms/one_p50 11.5000",
        ),
        (
            {"best_first_within": {"validation/loss": 0.0}},
            4,
            "trial 4 has the best latency_ms/one_p50 of 1 trial on the front within 0 of the best"
            " validation/loss, 0.4000: validation/loss 0.4000, latency_ms/one_p50 60.0000",
        ),
        (
            "knee",
            7,
            "trial 7 is the knee of a front of 4 trials: validation/loss 0.4050,"
            " latency_ms/one_p50 12.0000",
        ),
    ],
)
def test_a_rule_picks_one_and_says_why(rule: Any, trial: int, why: str) -> None:
    picked = pick_of(rule, VALUES, OBJECTIVES)
    assert (picked.trial, picked.why) == (trial, why)


def test_the_rule_is_named_as_it_is_written() -> None:
    rule = {"best_first_within": {"validation/loss": 0.05}}
    assert pick_of(rule, VALUES, OBJECTIVES).rule == "best_first_within {validation/loss: 0.05}"
