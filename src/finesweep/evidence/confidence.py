"""Whether probabilities mean what they say, and below which of them a model should not answer.

N examples, C classes; probabilities [N, C] sum to 1 in each row, labels [N] are ints in [0, C).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax, softmax

from finesweep.records import Answering

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
    truth = np.eye(probabilities.shape[1])[labels]
    return float(((probabilities - truth) ** 2).sum(axis=1).mean())


def confidence_bins(
    probabilities: np.ndarray, labels: np.ndarray, *, n_bins: int = N_BINS
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Of each row: its bin in [0, n_bins), its confidence, and whether the answer is right; [N]."""
    confidence = probabilities.max(axis=1)
    right = probabilities.argmax(axis=1) == labels
    return np.minimum((confidence * n_bins).astype(int), n_bins - 1), confidence, right


def calibration_bins(
    probabilities: np.ndarray, labels: np.ndarray, *, n_bins: int = N_BINS
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Of each bin of equal width that is not empty: rows, mean confidence, accuracy."""
    places, confidence, right = confidence_bins(probabilities, labels, n_bins=n_bins)
    counts = np.bincount(places, minlength=n_bins)
    sums = np.bincount(places, weights=confidence, minlength=n_bins)
    n_right = np.bincount(places, weights=right, minlength=n_bins)
    held = counts > 0
    return counts[held], sums[held] / counts[held], n_right[held] / counts[held]


def calibration_error(probabilities: np.ndarray, labels: np.ndarray) -> float:
    """Expected calibration error in [0, 1]: how far confidence and accuracy lie apart, weighted by
    rows (Guo et al. 2017)."""
    counts, confidence, accuracy = calibration_bins(probabilities, labels)
    return float((counts * np.abs(confidence - accuracy)).sum() / counts.sum())


def fit_temperature(logits: np.ndarray, labels: np.ndarray) -> float:
    """The T > 0 by which to divide logits [N, C] for the smallest log loss (Guo et al. 2017).

    It changes no answer, only the confidence in it. Between 0.5 and 20: to a model without a single
    error any confidence would seem too low.
    """

    def loss(log_temperature: float) -> float:
        scaled = log_softmax(logits / np.exp(log_temperature), axis=1)
        return float(-scaled[np.arange(len(labels)), labels].mean())

    found = minimize_scalar(loss, bounds=tuple(np.log(TEMPERATURES)), method="bounded")
    return float(np.exp(found.x))


def coverage_curve(probabilities: np.ndarray, labels: np.ndarray) -> Coverage:
    """Coverage and accuracy at each confidence that occurs."""
    confidence = probabilities.max(axis=1)
    order = np.argsort(-confidence, kind="stable")
    right = (probabilities.argmax(axis=1) == labels)[order]
    answered = np.arange(1, len(labels) + 1)
    # Rows of equal confidence are answered together or not at all.
    last = np.append(np.diff(confidence[order]) != 0, True)
    accuracy = np.cumsum(right) / answered
    return Coverage(
        confidence[order][last][::-1],
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


def fit_answering(
    logits: np.ndarray, labels: np.ndarray, *, least: float | None = None
) -> Answering:
    """Temperature first, and thresholds on the probabilities that it makes.

    least is a threshold of confidence that is given, instead of one that is fitted.
    """
    temperature = fit_temperature(logits, labels)
    probabilities = softmax(logits / temperature, axis=1)
    binary = probabilities.shape[1] == 2
    return Answering(
        temperature,
        uncertain_below(probabilities, labels) if least is None else least,
        decision_threshold(probabilities[:, 1], labels) if binary else None,
    )


def answers(probabilities: np.ndarray, answering: Answering) -> np.ndarray:
    """[N] int: the label of each row, whether the model is sure of it or not."""
    if answering.decision_threshold is None:
        return np.asarray(probabilities.argmax(axis=1))
    return (probabilities[:, 1] >= answering.decision_threshold).astype(int)


def _macro_f1(guessed: np.ndarray, truth: np.ndarray) -> float:
    both = (guessed & truth).sum(), (~guessed & ~truth).sum()
    sizes = guessed.sum() + truth.sum(), (~guessed).sum() + (~truth).sum()
    return float(np.mean([2 * b / n if n else 0.0 for b, n in zip(both, sizes, strict=True)]))
