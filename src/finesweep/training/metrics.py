"""Metrics of one split, from logits and labels."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from finesweep.records import Predictions, SplitName
from finesweep.stats.metric_names import metric_names
from finesweep.stats.predictions import (
    confusion_counts,
    log_probabilities_of,
    predicted_labels,
)
from finesweep.stats.scores import prediction_scores, ranking_scores


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
    logged = log_probabilities_of(predictions.logits, multi_label=multi_label)
    once = np.ones((1, len(labels)))  # each row counts once; intervals weight them otherwise
    values = {
        **prediction_scores(logged, labels, ())(once),
        **ranking_scores(logged, labels)(once),
    }
    if multi_label:
        values |= _over_decisions(labels, predicted_labels(predictions))
    named = {f"{split}/{name}": float(value) for name, (value,) in values.items()}
    names = metric_names(split, multi_label=multi_label)
    return {name: named[name] for name in names if not math.isnan(named[name])}


def confusion(predictions: Predictions) -> np.ndarray:
    """The confusion counts of a split's labels and the model's predictions."""
    n_labels = predictions.logits.shape[1]
    return confusion_counts(predictions.labels, predicted_labels(predictions), n_labels)


def majority_accuracy(train_labels: Any, labels: Any) -> float:
    """Majority-class accuracy on labels [N]: the most frequent train label, or set of labels."""
    values, counts = np.unique(np.asarray(train_labels), return_counts=True)
    return float((np.asarray(labels) == values[counts.argmax()]).mean())


def _over_decisions(labels: np.ndarray, predicted: np.ndarray) -> dict[str, np.ndarray]:
    """The scores that only several labels have, [1] each, from 0 and 1 [N, C]."""
    n_yes = labels.sum() + predicted.sum()
    return {
        "f1_micro": np.array([2 * (labels & predicted).sum() / max(n_yes, 1)]),
        "hamming_loss": np.array([(labels != predicted).mean()]),
    }
