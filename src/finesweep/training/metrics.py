"""Metrics of one split, from logits and labels."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.metrics import (
    accuracy_score,
    average_precision_score,
    f1_score,
    hamming_loss,
    matthews_corrcoef,
    precision_recall_fscore_support,
    roc_auc_score,
)

from finesweep.records import Predictions, SplitName
from finesweep.stats.calibration import brier_score, calibration_error
from finesweep.stats.predictions import (
    confusion_counts,
    log_probabilities_of,
    one_hot,
    predict_labels,
    predicted_labels,
    probabilities_of,
)

SCORERS = {"roc_auc": roc_auc_score, "average_precision": average_precision_score}


def compute_metrics(predictions: Predictions, split: SplitName) -> dict[str, float]:
    """`split/name` → value for one split's predictions.

    loss is the plain mean cross-entropy over rows in nats, whatever the training loss was;
    accuracy in [0, 1]; f1, precision and recall are macro averages over all C classes, 0 for a
    class without rows or predictions; mcc in [-1, 1] is Matthews' correlation; brier in [0, 2] and
    calibration_error in [0, 1] as in stats/calibration.py; roc_auc and average_precision are macro
    averages one-vs-rest over the classes with both positive and negative rows.

    With several labels per row, a label is predicted from a probability of 0.5; accuracy is the
    share of rows with all labels right; loss, brier, mcc and calibration_error are over the N * C
    binary decisions; f1_micro and hamming_loss, the share of wrong decisions in [0, 1], are added.
    NonFiniteError when a logit is not finite.
    """
    labels, multi_label = predictions.labels, predictions.multi_label
    probabilities = probabilities_of(predictions.logits, multi_label=multi_label)
    predicted = predict_labels(probabilities, multi_label=multi_label)
    precision, recall, f1, _ = precision_recall_fscore_support(
        labels, predicted, labels=range(probabilities.shape[1]), average="macro", zero_division=0
    )
    values = {
        "loss": cross_entropy(predictions),
        "accuracy": accuracy_score(labels, predicted),
        "f1": f1,
        "precision": precision,
        "recall": recall,
        "mcc": _mcc(labels.ravel(), predicted.ravel()),
        "brier": brier_score(probabilities, labels),
        "calibration_error": calibration_error(probabilities, labels),
    }
    if multi_label:
        values["f1_micro"] = f1_score(labels, predicted, average="micro", zero_division=0)
        values["hamming_loss"] = hamming_loss(labels, predicted)
    values |= _rankings(one_hot(labels, probabilities.shape[1]), probabilities)
    return {f"{split}/{name}": float(value) for name, value in values.items()}


def cross_entropy(predictions: Predictions) -> float:
    """Mean negative log-likelihood of the labels in nats; several labels count one by one."""
    logged = log_probabilities_of(predictions.logits, multi_label=predictions.multi_label)
    return float(-np.take_along_axis(logged, predictions.labels[..., None], axis=-1).mean())


def confusion(predictions: Predictions) -> np.ndarray:
    """The confusion counts of a split's labels and the model's predictions."""
    n_labels = predictions.logits.shape[1]
    return confusion_counts(predictions.labels, predicted_labels(predictions), n_labels)


def majority_accuracy(train_labels: Any, labels: Any) -> float:
    """Majority-class accuracy on labels [N]: the most frequent train label, or set of labels."""
    values, counts = np.unique(np.asarray(train_labels), return_counts=True)
    return float((np.asarray(labels) == values[counts.argmax()]).mean())


def _mcc(labels: np.ndarray, predicted: np.ndarray) -> float:
    """Matthews' correlation; 0 for a single class, which scikit-learn warns about."""
    if len(np.union1d(labels, predicted)) < 2:
        return 0.0
    return float(matthews_corrcoef(labels, predicted))


def _rankings(truth: np.ndarray, probabilities: np.ndarray) -> dict[str, float]:
    """Macro ranking metrics one-vs-rest, from truth [N, C] bool."""
    shares = truth.mean(axis=0)
    ranked = (shares > 0) & (shares < 1)
    if not ranked.any():
        return {}
    truth, probabilities = truth[:, ranked].squeeze(), probabilities[:, ranked].squeeze()
    return {name: score(truth, probabilities) for name, score in SCORERS.items()}
