"""Failures are put down to the field that they have in common."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import optuna
import pytest
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)
from optuna.trial import TrialState

from finesweep.samplers import TransferSampler
from finesweep.samplers.branches import Branch
from finesweep.samplers.encoding import encoding_of
from finesweep.samplers.feasibility import feasibility

RATE, BATCH = "training.learning_rate", "training.batch_size"
SPACE: dict[str, BaseDistribution] = {
    RATE: FloatDistribution(1e-5, 5e-4, log=True),
    BATCH: CategoricalDistribution((8, 16, 32)),
    "training.epochs": IntDistribution(1, 4),
    "dataset.max_length": CategoricalDistribution((24, 48)),
}


def test_a_threshold_is_between_what_ended_and_what_failed() -> None:
    encoding = encoding_of([{"a": FloatDistribution(0, 1), "b": FloatDistribution(0, 1)}])
    ended = np.array([[0.1, 0.9], [0.3, 0.2], [0.2, 0.5]])
    failed = np.array([[0.7, 0.3], [0.9, 0.8], [0.8, 0.1]])
    candidates = np.array([[0.1, 0.5], [0.4, 0.5], [0.6, 0.5], [0.9, 0.5]])

    found = feasibility(encoding, ended, failed, candidates)

    assert found[0] > 0.9
    assert found[3] < 0.1
    assert (np.diff(found) < 0).all()


def test_before_any_has_ended_what_differs_most_is_likeliest_to_end() -> None:
    encoding = encoding_of([{"a": FloatDistribution(0, 1), "b": CategoricalDistribution("xy")}])
    failed = np.array([[0.9, 1.0, 0.0]])
    same, lower, other = np.array([[0.9, 1.0, 0.0], [0.1, 1.0, 0.0], [0.1, 0.0, 1.0]])

    found = feasibility(encoding, np.empty((0, 3)), failed, np.stack([same, lower, other]))

    assert found[0] < found[1] < found[2]


@pytest.mark.parametrize(
    "fails",
    [
        lambda params: params[BATCH] == 16,
        lambda params: params[BATCH] > 8,
        lambda params: params[RATE] > 5e-5,
        lambda params: params[RATE] > 2e-4,
    ],
    ids=["one size", "large ones", "most rates", "high rates"],
)
def test_a_study_gets_past_its_failures_though_the_past_speaks_for_them(
    fails: Callable[[Mapping[str, Any]], bool],
) -> None:
    study, ended = optuna.create_study(), []
    for slot in range(12):
        study.sampler = TransferSampler(search_space=[Branch(SPACE)], seed=42 + slot)
        trial = study.ask(SPACE)
        if fails(trial.params):
            study.tell(trial, state=TrialState.FAIL)
        else:
            study.tell(trial, 0.6 + 0.1 * abs(math.log10(trial.params[RATE]) + 4))
        ended.append(not fails(trial.params))
    assert any(ended[:5])  # as many failures in a row stop a sweep
    assert sum(ended) >= 5
