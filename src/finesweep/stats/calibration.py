"""Calibration, coverage, and the thresholds a model predicts by.

N examples, C classes; probabilities [N, C] and labels as in `predictions`. With several labels,
calibration counts all N * C yes/no decisions, and coverage counts rows.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from finesweep.records import DecisionRule
from finesweep.stats.predictions import (
    HALF,
    are_correct,
    as_single_label,
    confidence,
    is_multi_label,
    log_probabilities_of,
    predict_labels,
    probabilities_of,
)

N_BINS = 15
"""As in Guo et al. 2017."""
TEMPERATURES = (0.5, 20.0)


@dataclass(frozen=True)
class Coverage:
    """Coverage and accuracy when predictions below each threshold are withheld, lowest threshold
    first."""

    thresholds: np.ndarray
    """[K] confidence, ascending."""
    coverage: np.ndarray
    """[K] share of rows with a prediction, in [0, 1]."""
    accuracy: np.ndarray
    """[K] accuracy on these rows, in [0, 1]."""


def confidence_bins(
    probabilities: np.ndarray, labels: np.ndarray, *, n_bins: int = N_BINS
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Bin in [0, n_bins), confidence and correctness of each decision, [N] or [N * C]."""
    probabilities, labels = as_single_label(probabilities, labels)
    confidences = probabilities.max(axis=1)
    correct = probabilities.argmax(axis=1) == labels
    return np.minimum((confidences * n_bins).astype(int), n_bins - 1), confidences, correct


def calibration_bins(
    probabilities: np.ndarray, labels: np.ndarray, *, n_bins: int = N_BINS
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Decisions, mean confidence and accuracy of each non-empty bin of equal width."""
    bins, confidences, correct = confidence_bins(probabilities, labels, n_bins=n_bins)
    counts = np.bincount(bins, minlength=n_bins)
    sums = np.bincount(bins, weights=confidences, minlength=n_bins)
    n_correct = np.bincount(bins, weights=correct, minlength=n_bins)
    filled = counts > 0
    return counts[filled], sums[filled] / counts[filled], n_correct[filled] / counts[filled]


def calibration_error(probabilities: np.ndarray, labels: np.ndarray) -> float:
    """Expected calibration error in [0, 1]: mean gap between confidence and accuracy, weighted by
    decisions (Guo et al. 2017)."""
    counts, confidences, accuracy = calibration_bins(probabilities, labels)
    return float((counts * np.abs(confidences - accuracy)).sum() / counts.sum())


def fit_temperature(logits: np.ndarray, labels: np.ndarray) -> float:
    """The T > 0 by which to divide logits [N, C] for the smallest log loss (Guo et al. 2017).

    It changes no prediction, only its confidence. T is kept in [0.5, 20]: for a model without
    errors the best T would tend to 0.
    """

    from scipy.optimize import minimize_scalar  # slow to import, and prediction never fits

    def loss(log_temperature: float) -> float:
        scaled = logits / np.exp(log_temperature)
        logged = log_probabilities_of(scaled, multi_label=is_multi_label(labels))
        return float(-np.take_along_axis(logged, labels[..., None], axis=-1).mean())

    result = minimize_scalar(loss, bounds=tuple(np.log(TEMPERATURES)), method="bounded")
    return float(np.exp(result.x))


def coverage_curve(
    probabilities: np.ndarray, labels: np.ndarray, rule: DecisionRule | None = None
) -> Coverage:
    """Coverage and accuracy of the labels that rule predicts, at each of their probabilities that
    occurs; without a rule, of the likeliest label, or of several from 0.5 on."""
    if rule is None:
        predicted = predict_labels(probabilities, multi_label=is_multi_label(labels))
    else:
        predicted = apply_thresholds(probabilities, rule)
    confidences = confidence(probabilities, predicted)
    order = np.argsort(-confidences, kind="stable")
    correct = are_correct(predicted, labels)[order]
    n_predicted = np.arange(1, len(labels) + 1)
    # A threshold keeps all rows of equal confidence, or none.
    last = np.append(np.diff(confidences[order]) != 0, True)
    accuracy = np.cumsum(correct) / n_predicted
    return Coverage(
        confidences[order][last][::-1],
        (n_predicted / len(labels))[last][::-1],
        accuracy[last][::-1],
    )


def uncertain_below(
    probabilities: np.ndarray,
    labels: np.ndarray,
    rule: DecisionRule | None = None,
    *,
    errors_left: float = 0.5,
) -> float:
    """The probability of the label that rule predicts below which it is UNCERTAIN: the lowest at
    which the remaining rows have at most errors_left of the split's error rate; 0 when there are no
    errors.

    If no threshold reaches that, the one with the lowest error rate at a coverage of 10 % or more.
    """
    curve = coverage_curve(probabilities, labels, rule)
    max_error = errors_left * (1 - curve.accuracy[0])
    if curve.accuracy[0] == 1:
        return 0.0
    good = np.flatnonzero((1 - curve.accuracy <= max_error) & (curve.coverage >= 0.1))
    if len(good):
        return float(curve.thresholds[good[0]])
    wide = np.flatnonzero(curve.coverage >= 0.1)
    return float(curve.thresholds[wide[np.argmax(curve.accuracy[wide])]])


def decision_threshold(positive: np.ndarray, labels: np.ndarray) -> float:
    """The probability of class 1 from which to predict 1, for the best macro F1 of two classes.

    positive [N] in [0, 1]. Midway between two values that occur; of ties the nearest to 0.5.
    """
    values = np.unique(positive)
    candidates = np.append((values[1:] + values[:-1]) / 2, 0.5)
    scores = _macro_f1(positive, labels == 1, candidates)
    best = np.flatnonzero(scores >= scores.max() - 1e-12)
    return float(candidates[best[np.argmin(np.abs(candidates[best] - 0.5))]])


def label_thresholds(probabilities: np.ndarray, labels: np.ndarray) -> list[float]:
    """For each of several labels, the probability from which to predict it, for its best F1.

    Midway between two values that occur; of ties the nearest to 0.5; 0.5 for a label that no row
    has. labels [N, C] are 0 or 1.
    """
    columns = zip(probabilities.T, labels.T, strict=True)
    return [
        _best_f1(probabilities, truth) if truth.any() else HALF for probabilities, truth in columns
    ]


def calibrate(
    logits: np.ndarray, labels: np.ndarray, *, min_confidence: float | None = None
) -> DecisionRule:
    """A decision rule fitted to the logits: the temperature first, then the thresholds that choose
    labels on the scaled probabilities, then that of UNCERTAIN on these labels.

    min_confidence replaces the fitted threshold of UNCERTAIN. Without it, several labels are always
    predicted: each has its own threshold, and few rows are surely correct in all labels.
    """
    multi_label, temperature = is_multi_label(labels), fit_temperature(logits, labels)
    probabilities = probabilities_of(logits / temperature, multi_label=multi_label)
    if multi_label:
        thresholds = label_thresholds(probabilities, labels)
        return DecisionRule(temperature, min_confidence or 0.0, label_thresholds=thresholds)
    binary = probabilities.shape[1] == 2
    threshold = decision_threshold(probabilities[:, 1], labels) if binary else None
    rule = DecisionRule(temperature, min_confidence or 0.0, threshold)
    if min_confidence is not None:
        return rule
    return replace(rule, uncertain_below=uncertain_below(probabilities, labels, rule))


def apply_thresholds(probabilities: np.ndarray, rule: DecisionRule) -> np.ndarray:
    """Predicted labels [N] int, or [N, C] 0 or 1 for several labels; whatever the confidence."""
    if rule.label_thresholds is not None:
        return predict_labels(probabilities, multi_label=True, thresholds=rule.label_thresholds)
    if rule.decision_threshold is None:
        return predict_labels(probabilities, multi_label=False)
    return (probabilities[:, 1] >= rule.decision_threshold).astype(int)


def is_confident(probabilities: np.ndarray, rule: DecisionRule) -> np.ndarray:
    """[N] bool: rows where the probability of the predicted label, or that all of several are
    right, reaches the threshold; the others are UNCERTAIN."""
    predicted = apply_thresholds(probabilities, rule)
    return np.asarray(confidence(probabilities, predicted) >= rule.uncertain_below)


def _best_f1(probabilities: np.ndarray, truth: np.ndarray) -> float:
    from sklearn.metrics import precision_recall_curve

    precision, recall, candidates = precision_recall_curve(truth, probabilities)
    # The same rows reach candidates[k] down to the value before it.
    halves = (np.append(candidates[0], candidates[:-1]) + candidates) / 2
    with np.errstate(invalid="ignore"):
        scores = np.nan_to_num(2 * precision * recall / (precision + recall))[:-1]
    best = np.flatnonzero(scores >= scores.max() - 1e-12)
    return float(halves[best[np.argmin(np.abs(halves[best] - HALF))]])


def _macro_f1(positive: np.ndarray, truth: np.ndarray, candidates: np.ndarray) -> np.ndarray:
    """[K] macro F1 of predicting 1 from each of K candidates on, from one sorting of the rows."""
    order = np.argsort(positive)
    true_below = np.append(0, np.cumsum(truth[order]))
    n_below = np.searchsorted(positive[order], candidates, side="left")
    n, n_true = len(truth), int(truth.sum())
    both = n_true - true_below[n_below], n_below - true_below[n_below]
    sizes = n - n_below + n_true, n_below + n - n_true
    # Where a size is 0, nothing is predicted right either.
    scores = [2 * b / np.maximum(size, 1) for b, size in zip(both, sizes, strict=True)]
    return np.asarray(np.mean(scores, axis=0))
