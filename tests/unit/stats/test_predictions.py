"""Probabilities, predicted labels and correctness, for one label and for several."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from finesweep.errors import NonFiniteError
from finesweep.records import Predictions
from finesweep.stats.predictions import (
    are_correct,
    as_single_label,
    confidence,
    confusion_counts,
    correct_rows,
    log_probabilities_of,
    logits_of,
    margins,
    one_hot,
    predict_labels,
    probabilities_of,
)

LOGITS = np.random.default_rng(0).normal(scale=3, size=(40, 3)).astype(np.float32)
HELD = np.array([[1, 0, 1], [0, 0, 0], [0, 1, 0]])
SHARES = np.array([[0.9, 0.2, 0.4], [0.1, 0.2, 0.3], [0.6, 0.5, 0.1]])


def test_probabilities_are_torchs_softmax_or_sigmoid() -> None:
    double = torch.tensor(LOGITS, dtype=torch.float64)
    one, several = (probabilities_of(LOGITS, multi_label=each) for each in (False, True))
    np.testing.assert_allclose(one, double.softmax(dim=1).numpy(), rtol=1e-12)
    np.testing.assert_allclose(several, double.sigmoid().numpy(), rtol=1e-12)


@pytest.mark.parametrize("multi_label", [False, True])
def test_no_small_probability_loses_its_logarithm(multi_label: bool) -> None:
    logged = log_probabilities_of(np.array([[900.0, -900.0]]), multi_label=multi_label)
    assert np.isfinite(logged).all()
    assert logged.min() == pytest.approx(-1800 if not multi_label else -900)


@pytest.mark.parametrize("multi_label", [False, True])
def test_logits_that_are_not_finite_are_refused(multi_label: bool) -> None:
    with pytest.raises(NonFiniteError, match=r"^the logits of 1 rows are not finite$"):
        probabilities_of(np.array([[np.nan, 0.0], [0.0, 1.0]]), multi_label=multi_label)


@pytest.mark.parametrize("multi_label", [False, True])
def test_logits_are_recovered_from_probabilities(multi_label: bool) -> None:
    shares = probabilities_of(LOGITS, multi_label=multi_label)
    again = probabilities_of(logits_of(shares, multi_label=multi_label), multi_label=multi_label)
    np.testing.assert_allclose(again, shares, rtol=1e-9)
    assert np.isfinite(logits_of(np.array([[0.0, 1.0]]), multi_label=multi_label)).all()


def test_a_label_is_predicted_from_its_own_threshold_on() -> None:
    assert predict_labels(SHARES, multi_label=True).tolist() == [[1, 0, 0], [0, 0, 0], [1, 1, 0]]
    own = predict_labels(SHARES, multi_label=True, thresholds=(0.6, 0.6, 0.4))
    assert own.tolist() == [[1, 0, 1], [0, 0, 0], [1, 0, 0]]
    assert predict_labels(SHARES, multi_label=False).tolist() == [0, 2, 0]


def test_a_row_is_correct_when_all_its_labels_are() -> None:
    assert are_correct(np.array([[1, 0, 1], [0, 0, 1], [0, 1, 0]]), HELD).tolist() == [
        True,
        False,
        True,
    ]
    assert are_correct(np.array([0, 2, 1]), np.array([0, 1, 1])).tolist() == [True, False, True]
    assert correct_rows(Predictions(np.where(HELD == 1, 2.0, -2.0), HELD)).all()


def test_confidence_is_the_probability_of_the_whole_prediction() -> None:
    guessed = predict_labels(SHARES, multi_label=True)
    wanted = [0.9 * 0.8 * 0.6, 0.9 * 0.8 * 0.7, 0.6 * 0.5 * 0.9]
    assert confidence(SHARES, guessed) == pytest.approx(wanted)
    assert confidence(SHARES, np.array([0, 2, 1])) == pytest.approx([0.9, 0.3, 0.5])


def test_the_margin_is_that_of_the_wrong_label_nearest_to_a_half() -> None:
    guessed = predict_labels(SHARES, multi_label=True)
    # Row 0 misses label 2 (0.4), row 1 is right, row 2 takes label 0 (0.6) wrongly.
    assert margins(SHARES, guessed, HELD) == pytest.approx([0.2, 1.0, 0.2])
    one = np.array([[0.7, 0.2, 0.1]])
    assert margins(one, np.array([0]), np.array([1])) == pytest.approx([0.5])


def test_several_labels_become_decisions_between_no_and_yes() -> None:
    shares, labels = as_single_label(SHARES, HELD)
    assert labels.tolist() == [1, 0, 1, 0, 0, 0, 0, 1, 0]
    assert shares[:, 1].tolist() == SHARES.ravel().tolist()
    assert shares.sum(axis=1) == pytest.approx(np.ones(9))


def test_the_truth_and_the_counts_have_the_shape_of_the_labels() -> None:
    assert one_hot(np.array([2, 0]), 3).tolist() == [[False, False, True], [True, False, False]]
    assert one_hot(HELD, 3).tolist() == (HELD == 1).tolist()
    guessed = predict_labels(SHARES, multi_label=True)
    assert confusion_counts(HELD, guessed, 3).tolist() == [
        [[1, 1], [0, 1]],
        [[2, 0], [0, 1]],
        [[2, 0], [1, 0]],
    ]
    assert confusion_counts(np.array([0, 1]), np.array([1, 1]), 3).tolist() == [
        [0, 1, 0],
        [0, 1, 0],
        [0, 0, 0],
    ]
