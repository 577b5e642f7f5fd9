"""Two models' predictions for the same rows: a paired test of accuracy, and how scores differ."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import astuple, dataclass

import numpy as np

from finesweep.stats.bootstrap import Scores, paired_bootstrap
from finesweep.stats.paired_tests import gained_and_lost, mcnemar_two_sided
from finesweep.stats.predictions import (
    are_correct,
    is_multi_label,
    log_probabilities_of,
    logits_of,
    predict_labels,
)
from finesweep.stats.scores import prediction_scores


@dataclass(frozen=True)
class PairedComparison:
    """Two models on the same rows; differences are first minus second."""

    rows: int
    accuracies: tuple[float, float]
    n_gained: int
    """Number of rows that only the first gets right."""
    n_lost: int
    """Number of rows that only the second gets right."""
    p: float
    """p value of McNemar's exact two-sided test."""
    f1: tuple[float, float, float]
    """Difference of macro F1 and its 95 % interval: (value, low, high)."""
    loss: tuple[float, float, float]
    """Difference of the loss and its 95 % interval: (value, low, high)."""


def compare_pair(
    first: np.ndarray, second: np.ndarray, labels: np.ndarray, label_names: Sequence[str]
) -> PairedComparison:
    """The comparison of two models' probabilities [N, C] for N rows with these labels."""
    multi_label = is_multi_label(labels)
    right, was_right = (
        are_correct(predict_labels(each, multi_label=multi_label), labels)
        for each in (first, second)
    )
    new, old = (scores_of(each, labels, label_names) for each in (first, second))
    gaps = paired_bootstrap(new, old, len(labels), seed=0)
    n_gained, n_lost = map(len, gained_and_lost(right, was_right))
    return PairedComparison(
        rows=len(labels),
        accuracies=(float(right.mean()), float(was_right.mean())),
        n_gained=n_gained,
        n_lost=n_lost,
        p=mcnemar_two_sided(n_gained, n_lost),
        f1=astuple(gaps["f1"].interval),
        loss=astuple(gaps["loss"].interval),
    )


def scores_of(probabilities: np.ndarray, labels: np.ndarray, label_names: Sequence[str]) -> Scores:
    """The prediction_scores of probabilities [N, C]."""
    multi_label = is_multi_label(labels)
    logits = logits_of(probabilities, multi_label=multi_label)
    logged = log_probabilities_of(logits, multi_label=multi_label)
    return prediction_scores(logged, labels, label_names)
