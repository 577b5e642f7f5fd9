"""What a model decides about each row: one label, or of every label whether it holds.

N rows, C labels. Where a row has one label, labels and guesses are ints [N] in [0, C), and the
probabilities [N, C] of a row sum to 1. Where it may have several, labels and guesses are 0 or 1,
[N, C], and each probability stands for itself. All that follows works on either.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from finesweep.errors import NonFiniteError
from finesweep.records import Predictions

HALF = 0.5
MIN_SHARE = 1e-12
"""A probability of which there is a logarithm."""


def is_multi_label(labels: np.ndarray) -> bool:
    """Whether these are labels of rows that may have several."""
    return labels.ndim == 2


def log_probabilities_of(logits: np.ndarray, *, multi_label: bool) -> np.ndarray:
    """[N, C] float64 of logits [N, C]; of several labels [N, C, 2], that it does not hold and that
    it does. None is so small that its logarithm is lost; NonFiniteError when a logit is not finite.
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
    """[N, C] float64, by softmax, or by sigmoid of several labels."""
    made: np.ndarray = np.exp(log_probabilities_of(logits, multi_label=multi_label))
    return made[..., 1] if multi_label else made


def logits_of(shares: np.ndarray, *, multi_label: bool) -> np.ndarray:
    """[N, C] float64 logits of which probabilities [N, C] are made; clipped at MIN_SHARE."""
    against = np.log(np.maximum(1 - shares, MIN_SHARE)) if multi_label else 0.0
    made: np.ndarray = np.log(np.maximum(shares, MIN_SHARE)) - against
    return made


def predict_labels(
    shares: np.ndarray, *, multi_label: bool, thresholds: Sequence[float] | float = HALF
) -> np.ndarray:
    """The likeliest label, or 1 where a label's probability reaches its threshold; shares [N, C]
    are probabilities."""
    if multi_label:
        return (shares >= np.asarray(thresholds)).astype(np.int64)
    return np.asarray(shares.argmax(axis=1))


def are_correct(guessed: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """[N] bool; of several labels every one must be."""
    same = guessed == labels
    return np.asarray(same.all(axis=1) if is_multi_label(labels) else same)


def predicted_labels(predictions: Predictions) -> np.ndarray:
    """What the model guesses of each row; in the shape of its labels."""
    shares = probabilities_of(predictions.logits, multi_label=predictions.multi_label)
    return predict_labels(shares, multi_label=predictions.multi_label)


def correct_rows(predictions: Predictions) -> np.ndarray:
    """[N] bool: the rows whose likeliest label is the true one, or all of whose labels are."""
    return are_correct(predicted_labels(predictions), predictions.labels)


def confidence(shares: np.ndarray, guessed: np.ndarray) -> np.ndarray:
    """[N] the probability of what is guessed; of several labels, as if they were independent, that
    it is right about all."""
    if is_multi_label(guessed):
        made: np.ndarray = np.where(guessed == 1, shares, 1 - shares).prod(axis=1)
        return made
    return np.take_along_axis(shares, guessed[:, None], axis=1)[:, 0]


def margins(shares: np.ndarray, guessed: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """[N] in [0, 1]: how much likelier what was guessed is than the next; of several labels, of the
    wrong one that was nearest to being right, 1 where none is wrong."""
    if is_multi_label(labels):
        return np.asarray(np.where(guessed == labels, 1.0, np.abs(2 * shares - 1)).min(axis=1))
    ordered = np.sort(shares, axis=1)
    return np.asarray(ordered[:, -1] - ordered[:, -2])


def one_hot(labels: np.ndarray, n_labels: int) -> np.ndarray:
    """[N, C] bool: which label holds for which row."""
    if is_multi_label(labels):
        return np.asarray(labels == 1)
    return np.asarray(labels[:, None] == np.arange(n_labels))


def as_single_label(shares: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities and labels of decisions for one label each: as they are, or for several labels
    the N * C decisions between no (0) and yes (1), row by row."""
    if not is_multi_label(labels):
        return shares, labels
    flat = shares.ravel()
    return np.stack([1 - flat, flat], axis=1), labels.ravel()


def confusion_counts(labels: np.ndarray, guessed: np.ndarray, n_labels: int) -> np.ndarray:
    """[C, C] int: how many rows of each class, the truth, were given each label; of several labels
    [C, 2, 2]: how many noes and yeses, the truth, of each were guessed to be no and yes."""
    if is_multi_label(labels):
        pairs = zip(labels.T, guessed.T, strict=True)
        return np.stack([confusion_counts(truth, said, 2) for truth, said in pairs])
    cells = np.bincount(labels * n_labels + guessed, minlength=n_labels**2)
    return cells.reshape(n_labels, n_labels)
