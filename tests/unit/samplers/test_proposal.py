"""The next params of a study."""

from __future__ import annotations

import numpy as np
import pytest
from optuna.distributions import CategoricalDistribution
from optuna.trial import FrozenTrial, TrialState, create_trial

from finesweep.samplers.branches import Branch
from finesweep.samplers.encoding import encoding_of
from finesweep.samplers.proposal import known_from, propose

SPACE = {"a": CategoricalDistribution(("x", "y", "z"))}


def test_a_setting_is_tried_again_only_when_no_other_is_left() -> None:
    trials = [
        create_trial(params={"a": "x"}, distributions=SPACE, value=0.0),
        create_trial(state=TrialState.RUNNING, params={"a": "z"}, distributions=SPACE),
    ]
    encoding = encoding_of([SPACE])
    generator = np.random.default_rng(0)

    known = known_from(trials, 1.0, encoding, None)
    assert [propose(known, [Branch(SPACE)], 32, generator)["a"] for _ in range(5)] == ["y"] * 5

    everything = [*trials, create_trial(params={"a": "y"}, distributions=SPACE, value=1.0)]
    known = known_from(everything, 1.0, encoding, None)
    assert propose(known, [Branch(SPACE)], 32, generator)["a"] in "xyz"


def failed(value: str) -> FrozenTrial:
    return create_trial(state=TrialState.FAIL, params={"a": value}, distributions=SPACE)


@pytest.mark.parametrize(
    ("others", "n_failed"),
    [
        ([], 1),
        ([failed("x")], 1),
        ([create_trial(state=TrialState.FAIL)], 1),
        ([create_trial(params={"a": "x"}, distributions=SPACE, value=0.0)], 0),
        ([create_trial(state=TrialState.RUNNING, params={"a": "x"}, distributions=SPACE)], 0),
    ],
    ids=["alone", "retried in vain", "another without params", "retried", "being retried"],
)
def test_a_trial_has_failed_by_its_setting_when_no_other_of_that_setting_goes_on(
    others: list[FrozenTrial], n_failed: int
) -> None:
    known = known_from([failed("x"), *others], 1.0, encoding_of([SPACE]), None)
    assert len(known.failed) == n_failed


def test_what_has_failed_is_not_proposed_before_other_settings() -> None:
    known = known_from([failed("x"), failed("z")], 1.0, encoding_of([SPACE]), None)
    generator = np.random.default_rng(0)
    assert [propose(known, [Branch(SPACE)], 32, generator)["a"] for _ in range(5)] == ["y"] * 5
