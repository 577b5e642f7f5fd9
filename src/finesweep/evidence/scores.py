"""The scores of one model's answers under row weights, as resampling wants them.

N rows, C classes, R weightings. log_probabilities [N, C] are natural logarithms whose exponentials
sum to 1 in each row, labels [N] are ints in [0, C), weights [R, N] are not negative. With equal
weights every score is what scikit-learn makes of the rows; all scores are of shape [R].
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from finesweep.evidence.confidence import confidence_bins
from finesweep.evidence.resampling import Scores


def scores_of_answers(
    log_probabilities: np.ndarray, labels: np.ndarray, label_names: Sequence[str]
) -> Scores:
    """loss, brier, accuracy, mcc, calibration_error; macro precision, recall and f1, and the same
    of each class as `f1/NAME`. A class without rows and guesses counts 0."""
    n_rows, n_classes = log_probabilities.shape
    probabilities = np.exp(log_probabilities)
    losses = -log_probabilities[np.arange(n_rows), labels]
    squares = ((probabilities - np.eye(n_classes)[labels]) ** 2).sum(axis=1)
    cells = np.eye(n_classes**2)[labels * n_classes + probabilities.argmax(axis=1)]
    bins, confidence, right = confidence_bins(probabilities, labels)
    in_bin = np.eye(bins.max() + 1)[bins]
    surplus = in_bin * (confidence - right)[:, None]

    def scores(weights: np.ndarray) -> dict[str, np.ndarray]:
        total = weights.sum(axis=1)
        counts = (weights @ cells).reshape(-1, n_classes, n_classes)
        hits, truth, guessed = counts.diagonal(axis1=1, axis2=2), counts.sum(2), counts.sum(1)
        of_class = {
            "precision": _share(hits, guessed),
            "recall": _share(hits, truth),
            "f1": _share(2 * hits, truth + guessed),
        }
        found = {
            "loss": weights @ losses / total,
            "accuracy": hits.sum(axis=1) / total,
            "mcc": _correlation(hits.sum(axis=1), truth, guessed, total),
            "brier": weights @ squares / total,
            "calibration_error": np.abs(weights @ surplus).sum(axis=1) / total,
        }
        for name, values in of_class.items():
            found[name] = values.mean(axis=1)
            found |= {f"{name}/{label}": values[:, c] for c, label in enumerate(label_names)}
        return found

    return scores


def scores_of_rankings(log_probabilities: np.ndarray, labels: np.ndarray) -> Scores:
    """roc_auc and average_precision, macro averages one-vs-rest over the classes that have both
    sides; NaN where a weighting leaves none."""
    classes = np.unique(labels)

    def scores(weights: np.ndarray) -> dict[str, np.ndarray]:
        made = [_rankings(log_probabilities[:, c], labels == c, weights) for c in classes]
        defined = np.isfinite(np.array(made))  # [C, 2, R]
        sums = np.where(defined, made, 0.0).sum(axis=0)
        with np.errstate(invalid="ignore"):
            roc_auc, average_precision = sums / defined.sum(axis=0)
        return {"roc_auc": roc_auc, "average_precision": average_precision}

    return scores


def _rankings(
    confidence: np.ndarray, positive: np.ndarray, weights: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """[R] area under the ROC curve by pairs, and average precision by steps, of one class."""
    order = np.argsort(-confidence, kind="stable")
    # Rows of equal confidence are one step.
    starts = np.flatnonzero(np.append(True, np.diff(confidence[order]) != 0))
    sorted_weights = weights[:, order]
    hits = np.add.reduceat(sorted_weights * positive[order], starts, axis=1)
    misses = np.add.reduceat(sorted_weights * ~positive[order], starts, axis=1)
    n_hits, n_misses = hits.cumsum(axis=1), misses.cumsum(axis=1)
    beaten = n_misses[:, -1:] - n_misses + misses / 2
    with np.errstate(invalid="ignore", divide="ignore"):
        roc_auc = (hits * beaten).sum(axis=1) / (n_hits[:, -1] * n_misses[:, -1])
        precision = _share(n_hits, n_hits + n_misses)
        average_precision = (hits * precision).sum(axis=1) / n_hits[:, -1]
    return roc_auc, np.where(np.isfinite(roc_auc), average_precision, np.nan)


def _correlation(
    n_right: np.ndarray, truth: np.ndarray, guessed: np.ndarray, total: np.ndarray
) -> np.ndarray:
    """Matthews' correlation of C classes (Gorodkin 2004); 0 where one side has a single class."""
    covariance = n_right * total - (truth * guessed).sum(axis=1)
    spreads = [total**2 - (side**2).sum(axis=1) for side in (truth, guessed)]
    return _share(covariance, np.sqrt(spreads[0] * spreads[1]))


def _share(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    shares: np.ndarray = np.divide(part, whole, out=np.zeros_like(part), where=whole > 0)
    return shares
