"""Whether probabilities mean what they say, and below which of them a model should not answer.

N examples, C classes; probabilities [N, C] and labels are as `decisions` describes them. Of several
labels calibration is that of all N * C decisions between yes and no, coverage that of rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

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
    """What a model answers when it is silent below each threshold, lowest threshold first."""

    thresholds: np.ndarray
    """[K] rising."""
    coverage: np.ndarray
    """[K] share of rows that are answered."""
    accuracy: np.ndarray
    """[K] among those that are."""


def brier_score(probabilities: np.ndarray, labels: np.ndarray) -> float:
    """Mean squared distance to the truth, summed over classes, in [0, 2] (Brier 1950)."""
    probabilities, labels = as_single_label(probabilities, labels)
    truth = np.eye(probabilities.shape[1])[labels]
    return float(((probabilities - truth) ** 2).sum(axis=1).mean())


def confidence_bins(
    probabilities: np.ndarray, labels: np.ndarray, *, n_bins: int = N_BINS
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Of each decision: its bin in [0, n_bins), its confidence, and whether it is right; [N] or
    [N * C]."""
    probabilities, labels = as_single_label(probabilities, labels)
    sure = probabilities.max(axis=1)
    right = probabilities.argmax(axis=1) == labels
    return np.minimum((sure * n_bins).astype(int), n_bins - 1), sure, right


def calibration_bins(
    probabilities: np.ndarray, labels: np.ndarray, *, n_bins: int = N_BINS
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Of each bin of equal width that is not empty: decisions, mean confidence, accuracy."""
    places, sure, right = confidence_bins(probabilities, labels, n_bins=n_bins)
    counts = np.bincount(places, minlength=n_bins)
    sums = np.bincount(places, weights=sure, minlength=n_bins)
    n_right = np.bincount(places, weights=right, minlength=n_bins)
    held = counts > 0
    return counts[held], sums[held] / counts[held], n_right[held] / counts[held]


def calibration_error(probabilities: np.ndarray, labels: np.ndarray) -> float:
    """Expected calibration error in [0, 1]: how far confidence and accuracy lie apart, weighted by
    decisions (Guo et al. 2017)."""
    counts, sure, accuracy = calibration_bins(probabilities, labels)
    return float((counts * np.abs(sure - accuracy)).sum() / counts.sum())


def fit_temperature(logits: np.ndarray, labels: np.ndarray) -> float:
    """The T > 0 by which to divide logits [N, C] for the smallest log loss (Guo et al. 2017).

    It changes no answer, only the confidence in it. Between 0.5 and 20: to a model without a single
    error any confidence would seem too low.
    """

    from scipy.optimize import minimize_scalar  # a model that answers fits nothing any more

    def loss(log_temperature: float) -> float:
        scaled = logits / np.exp(log_temperature)
        logged = log_probabilities_of(scaled, multi_label=is_multi_label(labels))
        return float(-np.take_along_axis(logged, labels[..., None], axis=-1).mean())

    found = minimize_scalar(loss, bounds=tuple(np.log(TEMPERATURES)), method="bounded")
    return float(np.exp(found.x))


def coverage_curve(
    probabilities: np.ndarray, labels: np.ndarray, *, thresholds: Sequence[float] | float = HALF
) -> Coverage:
    """Coverage and accuracy at each confidence that occurs; thresholds are of several labels."""
    guessed = predict_labels(
        probabilities, multi_label=is_multi_label(labels), thresholds=thresholds
    )
    sure = confidence(probabilities, guessed)
    order = np.argsort(-sure, kind="stable")
    right = are_correct(guessed, labels)[order]
    answered = np.arange(1, len(labels) + 1)
    # Rows of equal confidence are answered together or not at all.
    last = np.append(np.diff(sure[order]) != 0, True)
    accuracy = np.cumsum(right) / answered
    return Coverage(
        sure[order][last][::-1],
        (answered / len(labels))[last][::-1],
        accuracy[last][::-1],
    )


def uncertain_below(
    probabilities: np.ndarray, labels: np.ndarray, *, errors_left: float = 0.5
) -> float:
    """The confidence under which to answer UNCERTAIN: the lowest at which the answered rows have at
    most errors_left of the whole split's error rate; 0 when there are no errors.

    Where no threshold does so, the one with the fewest errors among the surest tenth and all above.
    """
    curve = coverage_curve(probabilities, labels)
    wanted = errors_left * (1 - curve.accuracy[0])
    if curve.accuracy[0] == 1:
        return 0.0
    good = np.flatnonzero((1 - curve.accuracy <= wanted) & (curve.coverage >= 0.1))
    if len(good):
        return float(curve.thresholds[good[0]])
    wide = np.flatnonzero(curve.coverage >= 0.1)
    return float(curve.thresholds[wide[np.argmax(curve.accuracy[wide])]])


def decision_threshold(positive: np.ndarray, labels: np.ndarray) -> float:
    """The probability of class 1 from which to answer 1, for the best macro F1 of two classes.

    positive [N] in [0, 1]. Half way between two that occur, and the nearest to 0.5 among equals.
    """
    values = np.unique(positive)
    tried = np.append((values[1:] + values[:-1]) / 2, 0.5)
    truth = labels == 1
    scores = np.array([_macro_f1(positive >= each, truth) for each in tried])
    best = np.flatnonzero(scores >= scores.max() - 1e-12)
    return float(tried[best[np.argmin(np.abs(tried[best] - 0.5))]])


def label_thresholds(probabilities: np.ndarray, labels: np.ndarray) -> list[float]:
    """Of several labels, the probability from which each holds, for the best F1 of that label.

    Half way between two that occur, and the nearest to 0.5 among equals; 0.5 for a label that holds
    for no row. labels [N, C] are 0 or 1.
    """
    columns = zip(probabilities.T, labels.T, strict=True)
    return [_best_f1(shares, truth) if truth.any() else HALF for shares, truth in columns]


def calibrate(
    logits: np.ndarray, labels: np.ndarray, *, least: float | None = None
) -> DecisionRule:
    """Temperature first, and thresholds on the probabilities that it makes.

    least is a threshold of confidence that is given, instead of one that is fitted. Several labels
    are always answered unless it is: each has its own threshold, and few rows are surely all right.
    """
    multi_label, temperature = is_multi_label(labels), fit_temperature(logits, labels)
    shares = probabilities_of(logits / temperature, multi_label=multi_label)
    if multi_label:
        thresholds = label_thresholds(shares, labels)
        return DecisionRule(temperature, least or 0.0, label_thresholds=thresholds)
    binary = shares.shape[1] == 2
    return DecisionRule(
        temperature,
        uncertain_below(shares, labels) if least is None else least,
        decision_threshold(shares[:, 1], labels) if binary else None,
    )


def apply_thresholds(probabilities: np.ndarray, rule: DecisionRule) -> np.ndarray:
    """The label of each row, [N] int, or which of several hold, [N, C] 0 or 1; whether the model is
    sure of it or not."""
    if rule.label_thresholds is not None:
        return predict_labels(probabilities, multi_label=True, thresholds=rule.label_thresholds)
    if rule.decision_threshold is None:
        return predict_labels(probabilities, multi_label=False)
    return (probabilities[:, 1] >= rule.decision_threshold).astype(int)


def is_confident(probabilities: np.ndarray, rule: DecisionRule) -> np.ndarray:
    """[N] bool: where the model is to answer."""
    multi_label = rule.label_thresholds is not None
    likeliest = (
        apply_thresholds(probabilities, rule) if multi_label else probabilities.argmax(axis=1)
    )
    return np.asarray(confidence(probabilities, likeliest) >= rule.uncertain_below)


def _best_f1(shares: np.ndarray, truth: np.ndarray) -> float:
    from sklearn.metrics import precision_recall_curve

    precision, recall, tried = precision_recall_curve(truth, shares)
    # What reaches tried[k] is the same down to the value before it.
    halves = (np.append(tried[0], tried[:-1]) + tried) / 2
    with np.errstate(invalid="ignore"):
        scores = np.nan_to_num(2 * precision * recall / (precision + recall))[:-1]
    best = np.flatnonzero(scores >= scores.max() - 1e-12)
    return float(halves[best[np.argmin(np.abs(halves[best] - HALF))]])


def _macro_f1(guessed: np.ndarray, truth: np.ndarray) -> float:
    both = (guessed & truth).sum(), (~guessed & ~truth).sum()
    sizes = guessed.sum() + truth.sum(), (~guessed).sum() + (~truth).sum()
    return float(np.mean([2 * b / n if n else 0.0 for b, n in zip(both, sizes, strict=True)]))
