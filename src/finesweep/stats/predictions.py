"""Probabilities and predicted labels from logits, for one label per row or several.

N rows, C labels. If a row has one label, labels and predictions are ints [N] in [0, C), and a row's
probabilities [N, C] sum to 1. If it may have several, labels and predictions are 0 or 1, [N, C],
and each probability is independent. Every function here takes either.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from finesweep.errors import NonFiniteError
from finesweep.records import Predictions

HALF = 0.5
MIN_PROBABILITY = 1e-12
"""Lower bound of probabilities before their logarithm is taken."""


def is_multi_label(labels: np.ndarray) -> bool:
    """Whether the labels belong to rows that may have several."""
    return labels.ndim == 2


def log_probabilities_of(logits: np.ndarray, *, multi_label: bool) -> np.ndarray:
    """Log probabilities [N, C] float64 of logits [N, C]; for several labels [N, C, 2], of no and
    yes.

    No small probability underflows. NonFiniteError when a logit is not finite.
    """
    if not np.isfinite(logits).all():
        n_rows = (~np.isfinite(logits)).any(axis=1).sum()
        raise NonFiniteError(f"the logits of {n_rows} rows are not finite")
    logits = logits.astype(np.float64)
    # A sigmoid is the softmax of its logit beside a zero.
    scores = np.stack([np.zeros_like(logits), logits], axis=-1) if multi_label else logits
    shifted = scores - scores.max(axis=-1, keepdims=True)
    normalised: np.ndarray = shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))
    return normalised


def probabilities_of(logits: np.ndarray, *, multi_label: bool) -> np.ndarray:
    """Probabilities [N, C] float64, by softmax, or by sigmoid for several labels."""
    result: np.ndarray = np.exp(log_probabilities_of(logits, multi_label=multi_label))
    return result[..., 1] if multi_label else result


def logits_of(probabilities: np.ndarray, *, multi_label: bool) -> np.ndarray:
    """Logits [N, C] float64 of probabilities [N, C], which are clipped below at MIN_PROBABILITY."""
    log_complement = np.log(np.maximum(1 - probabilities, MIN_PROBABILITY)) if multi_label else 0.0
    result: np.ndarray = np.log(np.maximum(probabilities, MIN_PROBABILITY)) - log_complement
    return result


def mean_predictions(members: Sequence[Predictions]) -> Predictions:
    """Predictions of the same rows whose probabilities are the means of the members'."""
    multi_label = members[0].multi_label
    logs = [log_probabilities_of(each.logits, multi_label=multi_label) for each in members]
    mean = np.logaddexp.reduce(logs) - np.log(len(members))
    logits = mean[..., 1] - mean[..., 0] if multi_label else mean
    return Predictions(logits.astype(np.float32), members[0].labels)


def predict_labels(
    probabilities: np.ndarray, *, multi_label: bool, thresholds: Sequence[float] | float = HALF
) -> np.ndarray:
    """The likeliest label [N], or for several labels [N, C]: 1 where a probability reaches its
    threshold."""
    if multi_label:
        return (probabilities >= np.asarray(thresholds)).astype(np.int64)
    return np.asarray(probabilities.argmax(axis=1))


def are_correct(predicted: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """[N] bool; with several labels, all of a row's labels must be correct."""
    same = predicted == labels
    return np.asarray(same.all(axis=1) if is_multi_label(labels) else same)


def predicted_labels(predictions: Predictions) -> np.ndarray:
    """Labels that the model predicts, in the shape of the true ones."""
    probabilities = probabilities_of(predictions.logits, multi_label=predictions.multi_label)
    return predict_labels(probabilities, multi_label=predictions.multi_label)


def correct_rows(predictions: Predictions) -> np.ndarray:
    """[N] bool: rows whose predicted label, or all of whose labels, are correct."""
    return are_correct(predicted_labels(predictions), predictions.labels)


def confidence(probabilities: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    """Probability [N] of the prediction; with several labels, that all are correct, as if they were
    independent."""
    if is_multi_label(predicted):
        result: np.ndarray = np.where(predicted == 1, probabilities, 1 - probabilities).prod(axis=1)
        return result
    return np.take_along_axis(probabilities, predicted[:, None], axis=1)[:, 0]


def margins(probabilities: np.ndarray, predicted: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Margin [N] in [0, 1] between the two likeliest labels; with several labels, of the wrong one
    nearest to 0.5, 1 if none is wrong."""
    if is_multi_label(labels):
        return np.asarray(
            np.where(predicted == labels, 1.0, np.abs(2 * probabilities - 1)).min(axis=1)
        )
    ordered = np.sort(probabilities, axis=1)
    return np.asarray(ordered[:, -1] - ordered[:, -2])


def one_hot(labels: np.ndarray, n_labels: int) -> np.ndarray:
    """[N, C] bool: the labels of each row."""
    if is_multi_label(labels):
        return np.asarray(labels == 1)
    return np.asarray(labels[:, None] == np.arange(n_labels))


def as_single_label(probabilities: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities and labels with one label per decision: unchanged, or for several labels the N
    * C decisions between no (0) and yes (1), row by row."""
    if not is_multi_label(labels):
        return probabilities, labels
    flat = probabilities.ravel()
    return np.stack([1 - flat, flat], axis=1), labels.ravel()


def confusion_counts(labels: np.ndarray, predicted: np.ndarray, n_labels: int) -> np.ndarray:
    """Rows by true and predicted class, [C, C] int; for several labels [C, 2, 2], by true and
    predicted no and yes."""
    if is_multi_label(labels):
        pairs = zip(labels.T, predicted.T, strict=True)
        return np.stack([confusion_counts(truth, predicted, 2) for truth, predicted in pairs])
    cells = np.bincount(labels * n_labels + predicted, minlength=n_labels**2)
    return cells.reshape(n_labels, n_labels)
