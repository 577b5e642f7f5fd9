"""What is measured on a split, from logits and labels alone."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.metrics import (
    accuracy_score,
    average_precision_score,
    confusion_matrix,
    matthews_corrcoef,
    precision_recall_fscore_support,
    roc_auc_score,
)

from finesweep.errors import NonFiniteError
from finesweep.evidence.confidence import brier_score, calibration_error
from finesweep.records import Predictions, SplitName

NAMES = ("loss", "accuracy", "f1", "precision", "recall", "mcc", "brier", "calibration_error")
RANKINGS = {"roc_auc": roc_auc_score, "average_precision": average_precision_score}
"""Of probabilities, one class against the rest; undefined where a side has no rows."""


def metric_names(split: SplitName) -> list[str]:
    """What `measure` returns for a split; RANKINGS are left out where they are undefined."""
    return [f"{split}/{name}" for name in (*NAMES, *RANKINGS)]


def measure(predictions: Predictions, split: SplitName) -> dict[str, float]:
    """`split/name` → value for one split's predictions.

    loss is the plain mean cross-entropy over rows in nats, whatever the training loss was;
    accuracy in [0, 1]; f1, precision and recall are macro averages over all C classes, a class
    without rows or predictions counting 0; mcc in [-1, 1] is Matthews' correlation; brier in [0, 2]
    and calibration_error in [0, 1] as in evidence/confidence.py; roc_auc and average_precision are
    macro averages one-vs-rest over the classes that have both sides. NonFiniteError when a logit is
    not finite.
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
        "mcc": _mcc(labels, guesses),
        "brier": brier_score(probabilities, labels),
        "calibration_error": calibration_error(probabilities, labels),
    }
    values |= _rankings(labels, probabilities)
    return {f"{split}/{name}": float(value) for name, value in values.items()}


def softmax(logits: np.ndarray) -> np.ndarray:
    """Probabilities [N, C] float64 of logits [N, C]; NonFiniteError when a logit is not finite."""
    probabilities: np.ndarray = np.exp(log_softmax(logits))
    return probabilities


def cross_entropy(logits: np.ndarray, labels: np.ndarray) -> float:
    """Mean negative log-likelihood in nats of labels [N] under logits [N, C]."""
    return float(-log_softmax(logits)[np.arange(len(labels)), labels].mean())


def confusion(predictions: Predictions) -> np.ndarray:
    """[C, C] int: how many rows of each class, the truth, were given each label."""
    n_classes = predictions.logits.shape[1]
    guesses = predictions.logits.argmax(axis=1)
    counts: np.ndarray = confusion_matrix(predictions.labels, guesses, labels=range(n_classes))
    return counts


def majority_accuracy(train_labels: Any, labels: Any) -> float:
    """Accuracy on labels [N] of always answering the commonest train label."""
    commonest = np.bincount(np.asarray(train_labels)).argmax()
    return float((np.asarray(labels) == commonest).mean())


def log_softmax(logits: np.ndarray) -> np.ndarray:
    """Logarithms of `softmax`, with no probability so small that its logarithm is lost."""
    if not np.isfinite(logits).all():
        n_rows = (~np.isfinite(logits)).any(axis=1).sum()
        raise NonFiniteError(f"the logits of {n_rows} rows are not finite")
    shifted = logits.astype(np.float64) - logits.max(axis=1, keepdims=True)
    normalised: np.ndarray = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    return normalised


def _mcc(labels: np.ndarray, guesses: np.ndarray) -> float:
    """0 where a single class occurs on both sides, of which scikit-learn warns."""
    if len(np.union1d(labels, guesses)) < 2:
        return 0.0
    return float(matthews_corrcoef(labels, guesses))


def _rankings(labels: np.ndarray, probabilities: np.ndarray) -> dict[str, float]:
    classes = [c for c in range(probabilities.shape[1]) if 0 < (labels == c).sum() < len(labels)]
    if not classes:
        return {}
    return {
        name: float(np.mean([score(labels == c, probabilities[:, c]) for c in classes]))
        for name, score in RANKINGS.items()
    }
