"""Whether a model predicts the same label for every row, which averaged scores hide."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from finesweep.records import Predictions
from finesweep.stats.predictions import predicted_labels


def constant_prediction(predictions: Predictions, label_names: Sequence[str]) -> str | None:
    """The only prediction on all rows, quoted; None if there are two, or if it is correct for all.

    With several labels, a prediction is a set of labels.
    """
    predicted, labels = predicted_labels(predictions), predictions.labels
    if not len(predicted) or (predicted != predicted[0]).any() or (labels == labels[0]).all():
        return None
    if predicted.ndim == 1:
        return repr(label_names[int(predicted[0])])
    names = [repr(name) for name, holds in zip(label_names, predicted[0], strict=True) if holds]
    return " and ".join(names) or "none of the labels"


def never_predicted(predictions: Predictions, label_names: Sequence[str]) -> list[str]:
    """Labels that rows have and that are never predicted, in id order."""
    n_labels = len(label_names)
    predicted, labels = (
        _present(each, n_labels) for each in (predicted_labels(predictions), predictions.labels)
    )
    return [
        name for name, is_missed in zip(label_names, labels & ~predicted, strict=True) if is_missed
    ]


def _present(labels: np.ndarray, n_labels: int) -> np.ndarray:
    """[C] bool: labels that at least one row has; labels [N], or [N, C] of 0 and 1."""
    if labels.ndim == 2:
        return np.asarray(labels.any(axis=0))
    return np.bincount(labels, minlength=n_labels) > 0
