"""Whether a model says the same of every row, which no average of scores gives away."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from finesweep.records import Predictions
from finesweep.stats.predictions import predicted_labels


def constant_prediction(predictions: Predictions, label_names: Sequence[str]) -> str | None:
    """The one answer to all rows, quoted; None where there are two, or where one is right for all.

    Of several labels an answer is a set of them.
    """
    given, labels = predicted_labels(predictions), predictions.labels
    if not len(given) or (given != given[0]).any() or (labels == labels[0]).all():
        return None
    if given.ndim == 1:
        return repr(label_names[int(given[0])])
    held = [repr(name) for name, holds in zip(label_names, given[0], strict=True) if holds]
    return " and ".join(held) or "none of the labels"


def never_predicted(predictions: Predictions, label_names: Sequence[str]) -> list[str]:
    """Labels that rows have and no answer is, in their order."""
    n_labels = len(label_names)
    given, labels = (
        _held(each, n_labels) for each in (predicted_labels(predictions), predictions.labels)
    )
    return [name for name, lacks in zip(label_names, labels & ~given, strict=True) if lacks]


def _held(labels: np.ndarray, n_labels: int) -> np.ndarray:
    """[C] bool: which labels any row has; labels [N], or [N, C] of 0 and 1."""
    if labels.ndim == 2:
        return np.asarray(labels.any(axis=0))
    return np.bincount(labels, minlength=n_labels) > 0
