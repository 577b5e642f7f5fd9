"""The facts of a training: which rows are timed, and how often each is read."""

from __future__ import annotations

import numpy as np
import pytest
from tests.unit.training.activation_cache.trainings import PAYING, TRAINING

from finesweep.training.activation_cache.facts import gathered_facts, median_row


def test_the_row_that_is_timed_has_median_length() -> None:
    assert median_row(np.array([9, 1, 5, 3, 7])) == 2
    assert median_row(np.array([4])) == 0


@pytest.mark.parametrize(("first_only", "n_cached"), [(False, 50), (True, 6)])
def test_a_training_reads_each_row_once_an_epoch_and_an_evaluation(
    first_only: bool, n_cached: int
) -> None:
    lengths = {"train": np.array([20, 10, 10]), "validation": np.array([4, 4, 2])}
    facts = gathered_facts(
        lengths,
        TRAINING,  # two epochs, two evaluations in each
        batch_tokens=20,
        token_bytes=64,
        shared=True,
        budget_bytes=1000,
        rates=PAYING["disk"],
        first_only=first_only,
    )
    assert facts.n_bytes == 64 * n_cached
    assert facts.n_batches == 2.5
    assert facts.reads == (2 * 40 + 4 * 10) / 50
