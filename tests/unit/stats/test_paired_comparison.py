"""Two models are compared on the rows that both have predicted."""

from __future__ import annotations

import numpy as np
import pytest

from finesweep.stats.paired_comparison import compare_pair

LABELS = np.arange(40) % 2


def sure(wrong: range) -> np.ndarray:
    """Probabilities [40, 2] of a model that is wrong on these rows, and always 0.9 sure."""
    said = np.where(np.isin(np.arange(40), wrong), 1 - LABELS, LABELS)
    return np.eye(2)[said] * 0.8 + 0.1


def test_differences_are_first_minus_second() -> None:
    pair = compare_pair(sure(range(2)), sure(range(10)), LABELS, ["no", "yes"])
    assert (pair.rows, pair.accuracies) == (40, (0.95, 0.75))
    assert (pair.n_gained, pair.n_lost) == (8, 0)
    assert pair.p == pytest.approx(2 * 0.5**8)  # eight coins that fall on one side
    assert pair.loss[0] == pytest.approx(-0.2 * np.log(9))
    assert pair.loss[1] < pair.loss[0] < pair.loss[2] < 0
    assert 0 < pair.f1[1] < pair.f1[0] < pair.f1[2]


def test_a_row_of_several_labels_counts_as_right_if_all_are() -> None:
    labels = np.array([[1, 0], [1, 1], [0, 0]])
    one_off = np.array([[0.9, 0.9], [0.9, 0.9], [0.1, 0.1]])
    pair = compare_pair(labels * 0.8 + 0.1, one_off, labels, ["a", "b"])
    assert pair.accuracies == (1.0, pytest.approx(2 / 3))
    assert (pair.n_gained, pair.n_lost) == (1, 0)
