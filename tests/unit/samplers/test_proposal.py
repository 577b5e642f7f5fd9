"""The next params of a study."""

from __future__ import annotations

import numpy as np
from optuna.distributions import CategoricalDistribution
from optuna.trial import TrialState, create_trial

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


def test_a_failed_trial_says_nothing() -> None:
    trials = [create_trial(state=TrialState.FAIL, params={"a": "x"}, distributions=SPACE)]
    known = known_from(trials, 1.0, encoding_of([SPACE]), None)
    assert len(known.rows) == len(known.running) == 0
