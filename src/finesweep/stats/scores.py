"""Scores of one model's predictions under row weights, for resampling.

N rows, C labels, R weightings. log_probabilities and labels are as in `predictions`: [N, C] and
[N], or [N, C, 2] and [N, C] if a row may have several labels; weights [R, N] are not negative. With
equal weights every score equals scikit-learn's; all scores have shape [R].
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from finesweep.stats.bootstrap import Interval, Scores, bootstrap
from finesweep.stats.calibration import confidence_bins
from finesweep.stats.predictions import are_correct, is_multi_label, one_hot, predict_labels


def prediction_scores(
    log_probabilities: np.ndarray, labels: np.ndarray, label_names: Sequence[str]
) -> Scores:
    """loss, accuracy, mcc; brier in [0, 2], the squared distance to the truth summed over classes
    (Brier 1950); calibration_error; macro precision, recall and f1, and each per class as
    `f1/NAME`. A class without rows and predictions counts 0.

    With several labels, a row is correct if all of them are; loss, brier, mcc and calibration_error
    are over the N * C decisions.
    """
    n_rows, multi_label = len(labels), is_multi_label(labels)
    shares = np.exp(log_probabilities)
    yes = shares[..., 1] if multi_label else shares
    predicted = predict_labels(yes, multi_label=multi_label)
    right = are_correct(predicted, labels)
    of_truth = -np.take_along_axis(log_probabilities, labels[..., None], axis=-1)
    losses = of_truth.reshape(n_rows, -1).mean(axis=1)
    truth, is_predicted = one_hot(labels, yes.shape[1]), one_hot(predicted, yes.shape[1])
    squares = (yes - truth) ** 2
    brier = 2 * squares.mean(axis=1) if multi_label else squares.sum(axis=1)
    surplus = _surplus(yes, labels)
    tables = [table.astype(np.float64) for table in (truth & is_predicted, truth, is_predicted)]

    def scores(weights: np.ndarray) -> dict[str, np.ndarray]:
        total = weights.sum(axis=1)
        hits, n_true, n_predicted = (weights @ table for table in tables)
        of_class = {
            "precision": _share(hits, n_predicted),
            "recall": _share(hits, n_true),
            "f1": _share(2 * hits, n_true + n_predicted),
        }
        results = {
            "loss": weights @ losses / total,
            "accuracy": weights @ right / total,
            "mcc": _correlation(hits, n_true, n_predicted, total, multi_label=multi_label),
            "brier": weights @ brier / total,
            "calibration_error": np.abs(weights @ surplus).sum(axis=1) / total,
        }
        for name, values in of_class.items():
            results[name] = values.mean(axis=1)
            results |= {f"{name}/{label}": values[:, c] for c, label in enumerate(label_names)}
        return results

    return scores


def ranking_scores(log_probabilities: np.ndarray, labels: np.ndarray) -> Scores:
    """roc_auc and average_precision, one-vs-rest macro averages over the classes with positive and
    negative rows; NaN if a weighting leaves none."""
    ranked = log_probabilities[..., 1] if is_multi_label(labels) else log_probabilities
    table = one_hot(labels, ranked.shape[1])
    classes = np.flatnonzero(table.any(axis=0))

    def scores(weights: np.ndarray) -> dict[str, np.ndarray]:
        of_classes = [_rankings(ranked[:, c], table[:, c], weights) for c in classes]
        rankings = np.reshape(of_classes, (len(classes), 2, len(weights)))  # also of no class
        defined = np.isfinite(rankings)
        sums = np.where(defined, rankings, 0.0).sum(axis=0)
        with np.errstate(invalid="ignore"):
            roc_auc, average_precision = sums / defined.sum(axis=0)
        return {"roc_auc": roc_auc, "average_precision": average_precision}

    return scores


def score_intervals(
    log_probabilities: np.ndarray, labels: np.ndarray, label_names: Sequence[str]
) -> dict[str, Interval]:
    """Every score of both kinds with its bootstrapped 95 % interval over the rows."""
    of_answers = prediction_scores(log_probabilities, labels, label_names)
    of_rankings = ranking_scores(log_probabilities, labels)
    return bootstrap(lambda w: {**of_answers(w), **of_rankings(w)}, len(labels), seed=0)


def _surplus(probabilities: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """[N, bins] confidence minus correctness of each row's decisions, as shares of a row."""
    bins, confidence, right = confidence_bins(probabilities, labels)
    n_rows, n_each = len(labels), len(bins) // len(labels)
    surplus = np.zeros((n_rows, bins.max() + 1))
    np.add.at(surplus, (np.arange(len(bins)) // n_each, bins), (confidence - right) / n_each)
    return surplus


def _rankings(
    confidence: np.ndarray, positive: np.ndarray, weights: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """[R] area under the ROC curve, and average precision, of one class."""
    order = np.argsort(-confidence, kind="stable")
    # Rows of equal confidence form one step.
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
    hits: np.ndarray,
    truth: np.ndarray,
    predicted: np.ndarray,
    total: np.ndarray,
    *,
    multi_label: bool,
) -> np.ndarray:
    """Matthews' correlation of C classes (Gorodkin 2004), or of yes and no for several labels; 0 if
    one side has a single class."""
    n_correct = hits.sum(axis=1)
    if multi_label:
        total = total * hits.shape[1]
        truth, predicted = (_yes_and_no(side.sum(axis=1), total) for side in (truth, predicted))
        n_correct = n_correct + total - truth[:, 0] - predicted[:, 0] + n_correct
    covariance = n_correct * total - (truth * predicted).sum(axis=1)
    spreads = [total**2 - (side**2).sum(axis=1) for side in (truth, predicted)]
    return _share(covariance, np.sqrt(spreads[0] * spreads[1]))


def _yes_and_no(n_yes: np.ndarray, total: np.ndarray) -> np.ndarray:
    return np.stack([n_yes, total - n_yes], axis=1)


def _share(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    shares: np.ndarray = np.divide(part, whole, out=np.zeros_like(part), where=whole > 0)
    return shares
