"""Weighted scores are scikit-learn's of the same rows with the same weights."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import log_softmax
from sklearn.metrics import (
    accuracy_score,
    average_precision_score,
    f1_score,
    log_loss,
    matthews_corrcoef,
    precision_score,
    recall_score,
    roc_auc_score,
)

from finesweep.stats.predictions import log_probabilities_of
from finesweep.stats.scores import prediction_scores, ranking_scores


def answered(n_classes: int, *, decimals: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Log probabilities [N, C] that depend a little on labels [N]; few decimals make some equal."""
    n_rows = 150
    drawn = np.random.default_rng(n_classes)
    labels = np.arange(n_rows) % n_classes
    logits = drawn.normal(size=(n_rows, n_classes)) + 0.8 * np.eye(n_classes)[labels]
    return log_softmax(logits.round(decimals), axis=1), labels


def resamples(n_rows: int) -> np.ndarray:
    drawn = np.random.default_rng(0)
    return drawn.multinomial(n_rows, np.full(n_rows, 1 / n_rows), size=5) * 1.0


@pytest.mark.parametrize("n_classes", [2, 4])
def test_prediction_scores_are_scikit_learns(n_classes: int) -> None:
    logged, labels = answered(n_classes)
    weights, names = resamples(len(labels)), [f"l{c}" for c in range(n_classes)]
    scores = prediction_scores(logged, labels, names)(weights)
    guesses = logged.argmax(axis=1)
    for row, w in enumerate(weights):
        assert scores["accuracy"][row] == pytest.approx(
            accuracy_score(labels, guesses, sample_weight=w)
        )
        assert scores["mcc"][row] == pytest.approx(
            matthews_corrcoef(labels, guesses, sample_weight=w)
        )
        assert scores["loss"][row] == pytest.approx(
            log_loss(labels, np.exp(logged), sample_weight=w)
        )
        for name, score in (
            ("f1", f1_score),
            ("precision", precision_score),
            ("recall", recall_score),
        ):
            of_class = score(labels, guesses, average=None, sample_weight=w)
            assert scores[name][row] == pytest.approx(of_class.mean())
            assert [scores[f"{name}/{label}"][row] for label in names] == pytest.approx(of_class)


@pytest.mark.parametrize("n_classes", [2, 4])
def test_ranking_scores_are_scikit_learns(n_classes: int) -> None:
    logged, labels = answered(n_classes)
    weights = resamples(len(labels))
    scores = ranking_scores(logged, labels)(weights)
    for row, w in enumerate(weights):
        for name, score in (
            ("roc_auc", roc_auc_score),
            ("average_precision", average_precision_score),
        ):
            each = [score(labels == c, logged[:, c], sample_weight=w) for c in range(n_classes)]
            assert scores[name][row] == pytest.approx(np.mean(each))


def test_a_class_that_a_resample_lacks_is_left_out_of_the_rankings_and_counts_0_elsewhere() -> None:
    logged, labels = answered(3)
    weights = np.ones((1, len(labels)))
    weights[:, labels == 2] = 0
    two = [
        roc_auc_score(labels[labels < 2] == c, logged[labels < 2, c], sample_weight=None)
        for c in (0, 1)
    ]
    assert ranking_scores(logged, labels)(weights)["roc_auc"][0] == pytest.approx(np.mean(two))
    assert prediction_scores(logged, labels, "abc")(weights)["recall/c"][0] == 0


def test_without_two_classes_no_ranking_is_defined() -> None:
    logged, labels = answered(2)
    alone = logged[labels == 1]
    scores = ranking_scores(alone, np.ones(len(alone), int))(np.ones((2, len(alone))))
    assert np.isnan(scores["roc_auc"]).all()
    assert np.isnan(scores["average_precision"]).all()


def test_without_any_label_no_ranking_is_defined() -> None:
    logged = log_probabilities_of(np.ones((3, 2)), multi_label=True)
    scores = ranking_scores(logged, np.zeros((3, 2), int))(np.ones((2, 3)))
    assert np.isnan(scores["roc_auc"]).all()
    assert np.isnan(scores["average_precision"]).all()


def several(n_labels: int = 3) -> tuple[np.ndarray, np.ndarray]:
    """Logits [N, C] that depend a little on labels [N, C] of 0 and 1."""
    drawn = np.random.default_rng(n_labels)
    labels = (drawn.random((150, n_labels)) < np.linspace(0.2, 0.6, n_labels)).astype(np.int64)
    logits = (drawn.normal(size=labels.shape) + 1.2 * (labels - 0.5)).round(1)
    return logits.astype(np.float32), labels


def test_scores_of_several_labels_are_scikit_learns() -> None:
    logits, labels = several()
    logged = log_probabilities_of(logits, multi_label=True)
    weights, names = resamples(len(labels)), ["a", "b", "c"]
    scores = prediction_scores(logged, labels, names)(weights)
    ranked = ranking_scores(logged, labels)(weights)
    shares = np.exp(logged[..., 1])
    guessed = (shares >= 0.5).astype(int)
    for row, w in enumerate(weights):
        each = np.repeat(w, 3)  # of every decision
        flat, predicted = labels.ravel(), guessed.ravel()
        loss = log_loss(flat, shares.ravel(), sample_weight=each)
        assert scores["loss"][row] == pytest.approx(loss, rel=1e-6)
        whole = accuracy_score(labels, guessed, sample_weight=w)
        assert scores["accuracy"][row] == pytest.approx(whole)
        mcc = matthews_corrcoef(flat, predicted, sample_weight=each)
        assert scores["mcc"][row] == pytest.approx(mcc)
        squares = np.average(2 * (shares.ravel() - flat) ** 2, weights=each)
        assert scores["brier"][row] == pytest.approx(squares)
        for name, score in (
            ("f1", f1_score),
            ("precision", precision_score),
            ("recall", recall_score),
        ):
            of_label = score(labels, guessed, average=None, sample_weight=w)
            assert scores[name][row] == pytest.approx(of_label.mean())
            assert [scores[f"{name}/{label}"][row] for label in names] == pytest.approx(of_label)
        for name, score in (
            ("roc_auc", roc_auc_score),
            ("average_precision", average_precision_score),
        ):
            expected = score(labels, shares, average="macro", sample_weight=w)
            assert ranked[name][row] == pytest.approx(expected)
