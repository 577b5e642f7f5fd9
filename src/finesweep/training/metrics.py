"""What is measured on a split, from logits and labels alone."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.metrics import accuracy_score, precision_recall_fscore_support, roc_auc_score

from finesweep.errors import NonFiniteError
from finesweep.records import Predictions, SplitName

NAMES = ("loss", "accuracy", "f1", "precision", "recall", "roc_auc")


def metric_names(split: SplitName) -> list[str]:
    """What `measure` returns for a split; roc_auc is left out where it is undefined."""
    return [f"{split}/{name}" for name in NAMES]


def measure(predictions: Predictions, split: SplitName) -> dict[str, float]:
    """`split/name` → value for one split's predictions.

    loss is the plain mean cross-entropy over rows in nats, whatever the training loss was;
    accuracy in [0, 1]; f1, precision and recall are macro averages over all C classes, a class
    without rows or predictions counting 0; roc_auc is the macro average one-vs-rest over the
    classes that have both sides. NonFiniteError when a logit is not finite.
    """
    labels, probabilities = predictions.labels, softmax(predictions.logits)
    guesses = probabilities.argmax(axis=1)
    precision, recall, f1, _ = precision_recall_fscore_support(
        labels, guesses, labels=range(probabilities.shape[1]), average="macro", zero_division=0
    )
    values = {
        "loss": cross_entropy(predictions.logits, labels),
        "accuracy": accuracy_score(labels, guesses),
        "f1": f1,
        "precision": precision,
        "recall": recall,
    }
    if (area := _roc_auc(labels, probabilities)) is not None:
        values["roc_auc"] = area
    return {f"{split}/{name}": float(value) for name, value in values.items()}


def softmax(logits: np.ndarray) -> np.ndarray:
    """Probabilities [N, C] float64 of logits [N, C]; NonFiniteError when a logit is not finite."""
    probabilities: np.ndarray = np.exp(_log_softmax(logits))
    return probabilities


def cross_entropy(logits: np.ndarray, labels: np.ndarray) -> float:
    """Mean negative log-likelihood in nats of labels [N] under logits [N, C]."""
    return float(-_log_softmax(logits)[np.arange(len(labels)), labels].mean())


def majority_accuracy(train_labels: Any, labels: Any) -> float:
    """Accuracy on labels [N] of always answering the commonest train label."""
    commonest = np.bincount(np.asarray(train_labels)).argmax()
    return float((np.asarray(labels) == commonest).mean())


def _log_softmax(logits: np.ndarray) -> np.ndarray:
    if not np.isfinite(logits).all():
        n_rows = (~np.isfinite(logits)).any(axis=1).sum()
        raise NonFiniteError(f"the logits of {n_rows} rows are not finite")
    shifted = logits.astype(np.float64) - logits.max(axis=1, keepdims=True)
    normalised: np.ndarray = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    return normalised


def _roc_auc(labels: np.ndarray, probabilities: np.ndarray) -> float | None:
    areas = [
        roc_auc_score(labels == c, probabilities[:, c])
        for c in range(probabilities.shape[1])
        if 0 < (labels == c).sum() < len(labels)
    ]
    return float(np.mean(areas)) if areas else None
