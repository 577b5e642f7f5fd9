"""Metrics from logits and labels, compared with torch and scikit-learn, and edge cases."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.metrics import (
    accuracy_score,
    average_precision_score,
    brier_score_loss,
    f1_score,
    hamming_loss,
    matthews_corrcoef,
    precision_score,
    recall_score,
    roc_auc_score,
)

from finesweep.errors import NonFiniteError
from finesweep.records import Predictions
from finesweep.stats.calibration import calibration_error
from finesweep.stats.predictions import probabilities_of
from finesweep.training import compute_metrics, majority_accuracy, metric_names


def drawn(n_classes: int, n_rows: int = 200) -> Predictions:
    """Logits weakly correlated with their labels; every class has rows."""
    random = np.random.default_rng(n_classes)
    labels = np.arange(n_rows) % n_classes
    logits = random.normal(size=(n_rows, n_classes)) + 0.8 * np.eye(n_classes)[labels]
    return Predictions(logits.astype(np.float32), labels)


def of(logits: list[list[float]], labels: list[int]) -> Predictions:
    return Predictions(np.array(logits, np.float32), np.array(labels))


@pytest.mark.parametrize("n_classes", [2, 3, 7])
def test_the_loss_is_torchs_mean_cross_entropy(n_classes: int) -> None:
    predictions = drawn(n_classes)
    expected = torch.nn.functional.cross_entropy(
        torch.tensor(predictions.logits, dtype=torch.float64), torch.tensor(predictions.labels)
    )
    measured = compute_metrics(predictions, "validation")["validation/loss"]
    assert measured == pytest.approx(expected.item(), rel=1e-12)


@pytest.mark.parametrize("n_classes", [2, 3, 7])
def test_the_scores_are_scikit_learns_macro_averages(n_classes: int) -> None:
    predictions = drawn(n_classes)
    labels, guesses = predictions.labels, predictions.logits.argmax(axis=1)
    measured = compute_metrics(predictions, "test")
    assert list(measured) == metric_names("test")
    assert measured["test/accuracy"] == (labels == guesses).mean()
    for name, score in [("f1", f1_score), ("precision", precision_score), ("recall", recall_score)]:
        expected = score(labels, guesses, average="macro")
        assert measured[f"test/{name}"] == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("n_classes", [2, 5])
def test_the_other_scores_are_scikit_learns_and_the_papers(n_classes: int) -> None:
    predictions = drawn(n_classes)
    labels, probabilities = (
        predictions.labels,
        probabilities_of(predictions.logits, multi_label=False),
    )
    measured = compute_metrics(predictions, "test")
    truth = np.eye(n_classes)[labels]
    assert measured["test/mcc"] == pytest.approx(
        matthews_corrcoef(labels, probabilities.argmax(axis=1))
    )
    assert measured["test/average_precision"] == pytest.approx(
        average_precision_score(truth, probabilities, average="macro")
    )
    assert measured["test/brier"] == pytest.approx(((probabilities - truth) ** 2).sum() / 200)
    gap = calibration_error(probabilities, labels)
    assert 0 < gap < 0.5
    assert measured["test/calibration_error"] == pytest.approx(gap)


def test_brier_is_scikit_learns_times_two_for_two_classes_and_0_to_2() -> None:
    predictions = drawn(2)
    positive = probabilities_of(predictions.logits, multi_label=False)[:, 1]
    expected = 2 * brier_score_loss(predictions.labels, positive)
    assert compute_metrics(predictions, "test")["test/brier"] == pytest.approx(expected)
    sure = [[99.0, 0, 0], [0, 0, 99]]
    assert compute_metrics(of(sure, [0, 2]), "test")["test/brier"] == pytest.approx(0)
    assert compute_metrics(of(sure, [1, 0]), "test")["test/brier"] == pytest.approx(2)


def test_the_correlation_is_zero_where_only_one_class_occurs() -> None:
    assert compute_metrics(of([[0, 1], [0, 1]], [1, 1]), "test")["test/mcc"] == 0


def test_macro_f1_by_hand() -> None:
    """Class 0: 2 of 2 found, 1 false; class 1: 1 of 2 found, none false."""
    predictions = of([[1, 0], [1, 0], [1, 0], [0, 1]], [0, 0, 1, 1])
    measured = compute_metrics(predictions, "validation")
    assert measured["validation/f1"] == pytest.approx((4 / 5 + 2 / 3) / 2)
    assert measured["validation/precision"] == pytest.approx((2 / 3 + 1) / 2)
    assert measured["validation/recall"] == pytest.approx(3 / 4)
    assert measured["validation/accuracy"] == 3 / 4


def test_a_class_without_rows_and_predictions_counts_zero() -> None:
    measured = compute_metrics(of([[1, 0, 0], [0, 1, 0]], [0, 1]), "validation")
    assert measured["validation/accuracy"] == 1
    assert measured["validation/f1"] == pytest.approx(2 / 3)


def test_roc_auc_of_two_classes_is_that_of_the_second_ones_probability() -> None:
    predictions = drawn(2)
    expected = roc_auc_score(
        predictions.labels, probabilities_of(predictions.logits, multi_label=False)[:, 1]
    )
    assert compute_metrics(predictions, "test")["test/roc_auc"] == pytest.approx(
        expected, rel=1e-12
    )


def test_roc_auc_of_more_classes_is_one_against_the_rest() -> None:
    predictions = drawn(4)
    expected = roc_auc_score(
        predictions.labels,
        probabilities_of(predictions.logits, multi_label=False),
        multi_class="ovr",
        average="macro",
    )
    assert compute_metrics(predictions, "test")["test/roc_auc"] == pytest.approx(
        expected, rel=1e-12
    )


def test_roc_auc_leaves_an_absent_class_out() -> None:
    full = drawn(3)
    present = full.labels != 2
    predictions = Predictions(full.logits[present], full.labels[present])
    probabilities = probabilities_of(predictions.logits, multi_label=False)
    expected = [roc_auc_score(predictions.labels == c, probabilities[:, c]) for c in (0, 1)]
    assert expected[0] != pytest.approx(expected[1])
    measured = compute_metrics(predictions, "test")
    assert measured["test/roc_auc"] == pytest.approx(np.mean(expected), rel=1e-12)


def test_roc_auc_is_missing_where_all_rows_are_of_one_class() -> None:
    measured = compute_metrics(of([[1, 0], [0, 1]], [1, 1]), "test")
    assert list(measured) == metric_names("test")[:-2]
    assert measured["test/accuracy"] == 0.5


@pytest.mark.parametrize("poison", [np.nan, np.inf, -np.inf])
def test_logits_that_are_not_finite_are_an_error_and_not_a_score(poison: float) -> None:
    predictions = of([[1, 0], [0, poison], [poison, poison], [0, 1]], [0, 1, 0, 1])
    with pytest.raises(NonFiniteError, match=r"^the logits of 2 rows are not finite$"):
        compute_metrics(predictions, "validation")


def test_large_logits_neither_overflow_nor_lose_the_loss() -> None:
    predictions = of([[30_000, -30_000], [30_000, -30_000]], [0, 1])
    measured = compute_metrics(predictions, "validation")
    assert measured["validation/loss"] == pytest.approx(30_000)
    assert probabilities_of(predictions.logits, multi_label=False).tolist() == [[1, 0], [1, 0]]


def test_probabilities_are_float64_and_sum_to_one() -> None:
    predictions = drawn(5)
    probabilities = probabilities_of(predictions.logits, multi_label=False)
    assert probabilities.dtype == np.float64
    assert np.abs(probabilities.sum(axis=1) - 1).max() < 1e-12
    expected = torch.tensor(predictions.logits, dtype=torch.float64).softmax(dim=1).numpy()
    np.testing.assert_allclose(probabilities, expected, rtol=1e-12)


def test_majority_accuracy_answers_trains_commonest_label() -> None:
    assert majority_accuracy([0, 1, 1, 2], [1, 1, 0, 2, 2]) == 2 / 5
    assert majority_accuracy([2, 2, 0], [0, 1]) == 0


def several(n_rows: int = 200) -> Predictions:
    """Logits weakly correlated with three labels; a row may have any number of them."""
    random = np.random.default_rng(5)
    labels = (random.random((n_rows, 3)) < (0.1, 0.4, 0.7)).astype(np.int64)
    logits = random.normal(size=labels.shape) + 2 * (labels - 0.5)
    return Predictions(logits.astype(np.float32), labels)


def test_the_loss_of_several_labels_is_torchs_mean_binary_cross_entropy() -> None:
    predictions = several()
    expected = torch.nn.functional.binary_cross_entropy_with_logits(
        torch.tensor(predictions.logits, dtype=torch.float64),
        torch.tensor(predictions.labels, dtype=torch.float64),
    )
    measured = compute_metrics(predictions, "validation")["validation/loss"]
    assert measured == pytest.approx(expected.item(), rel=1e-12)


def test_the_scores_of_several_labels_are_scikit_learns() -> None:
    predictions = several()
    labels, guesses = predictions.labels, (predictions.logits >= 0).astype(int)
    measured = compute_metrics(predictions, "test")
    assert set(measured) == set(metric_names("test", multi_label=True))
    assert measured["test/accuracy"] == accuracy_score(labels, guesses)
    assert measured["test/hamming_loss"] == hamming_loss(labels, guesses)
    assert measured["test/f1_micro"] == f1_score(labels, guesses, average="micro")
    for name, score in [("f1", f1_score), ("precision", precision_score), ("recall", recall_score)]:
        expected = score(labels, guesses, average="macro")
        assert measured[f"test/{name}"] == pytest.approx(expected, rel=1e-12)
    shares = probabilities_of(predictions.logits, multi_label=True)
    assert measured["test/roc_auc"] == pytest.approx(roc_auc_score(labels, shares))
    assert measured["test/average_precision"] == pytest.approx(
        average_precision_score(labels, shares)
    )
    assert measured["test/mcc"] == pytest.approx(matthews_corrcoef(labels.ravel(), guesses.ravel()))
    assert measured["test/brier"] == pytest.approx(2 * ((shares - labels) ** 2).mean())
    gap = calibration_error(shares, labels)
    assert measured["test/calibration_error"] == pytest.approx(gap)


def test_a_label_without_rows_is_left_out_of_the_rankings_alone() -> None:
    predictions = several()
    labels = predictions.labels.copy()
    labels[:, 0] = 0
    measured = compute_metrics(Predictions(predictions.logits, labels), "test")
    shares = probabilities_of(predictions.logits, multi_label=True)
    expected = roc_auc_score(labels[:, 1:], shares[:, 1:])
    assert measured["test/roc_auc"] == pytest.approx(expected)
    guesses = (predictions.logits >= 0).astype(int)
    f1 = f1_score(labels, guesses, average="macro", zero_division=0)
    assert measured["test/f1"] == pytest.approx(f1)


def test_without_any_label_there_are_no_rankings_and_f1_is_0() -> None:
    nothing = Predictions(np.full((4, 3), -1.0, np.float32), np.zeros((4, 3), np.int64))
    measured = compute_metrics(nothing, "test")
    assert list(measured) == metric_names("test", multi_label=True)[:-2]
    assert measured["test/f1_micro"] == measured["test/mcc"] == 0
    assert measured["test/accuracy"] == 1


def test_the_commonest_set_of_labels_is_what_a_majority_answers() -> None:
    assert majority_accuracy([5, 5, 1 << 60], [5, 1 << 60, 0, 5]) == 0.5
