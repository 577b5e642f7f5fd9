"""Labels that a quick classifier is confident are wrong."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.sparse import csr_matrix

from finesweep.dataset.checks.findings import all_rows, draw_sample, percent, row_ids, sample_clause
from finesweep.dataset.checks.quick_classifier import (
    N_FOLDS,
    out_of_fold_probabilities,
    tfidf_features,
)
from finesweep.dataset.labels.values import labels_in
from finesweep.records import Finding, Splits
from finesweep.wording import counted_rows

CHECK = "label_noise"
MAX_ROWS = 20_000
"""Rows checked, which takes half a minute."""
MIN_ROWS_PER_CLASS = 4 * N_FOLDS
"""Rows of a class for a reliable threshold."""
MAX_LABEL_PROBABILITY = 0.05
"""Maximum probability of a suspect row's label. Confident learning alone also reports rows on which
the model only leans the other way: 40 % of 8,000 reviews with one to five stars."""
CONFIDENT_SHARE = 0.05
"""If noise keeps all probabilities moderate, the model must be as confident against a label as in
its most confident 5 % of predictions."""
MAX_REPORTED = 0.02
"""Maximum share of the checked rows to report. With 5 to 20 % of labels flipped, 65 to 90 % of the
reported rows were flipped, but only a tenth of the flipped rows were reported: a list to start
with, not a measure."""


def find_label_noise(splits: Splits) -> list[Finding]:
    """One finding, most suspect rows first; for several labels one per label.

    Confident learning (Northcutt, Jiang and Chuang, Confident Learning: Estimating Uncertainty in
    Dataset Labels, JAIR 70, 2021): a row is suspect if another class is at least as probable for it
    as that class is, on average, for rows with its label. Probabilities are out of fold.
    """
    rows = all_rows(splits).drop_duplicates(["text", "label"])
    checked = draw_sample(rows, MAX_ROWS)
    if splits.multi_label:
        return _find_per_label(checked, splits.label_names, n_rows=len(rows))
    common = checked["label"].value_counts()
    checked = checked[checked["label"].isin(common.index[common >= MIN_ROWS_PER_CLASS])]
    if checked["label"].nunique() < 2:
        return []
    labels, classes = pd.factorize(checked["label"], sort=True)
    features, words = tfidf_features(checked["text"], n_classes=len(classes))
    if not len(words):
        return []
    names = [splits.label_names[label] for label in classes]
    return _find_suspects(checked, features, labels, names, n_rows=len(rows))


def _find_per_label(checked: pd.DataFrame, names: tuple[str, ...], *, n_rows: int) -> list[Finding]:
    """A finding for each of several labels, each checked as yes or no."""
    features, words = tfidf_features(checked["text"])
    if not len(words):
        return []
    return [
        finding
        for name, labels in zip(names, labels_in(checked, len(names)).T, strict=True)
        if np.bincount(labels, minlength=2).min() >= MIN_ROWS_PER_CLASS
        for finding in _find_suspects(
            checked, features, labels, [f"not {name}", name], n_rows=n_rows
        )
    ]


def _find_suspects(
    checked: pd.DataFrame,
    features: csr_matrix,
    labels: npt.NDArray[np.int64],
    names: Sequence[str],
    *,
    n_rows: int,
) -> list[Finding]:
    """One finding, or none; labels [N] index names."""
    scores = out_of_fold_probabilities(features, labels)
    suspects = rank_suspects(scores, labels)
    if not len(suspects):
        return []
    first = suspects[0]
    labels_of_first = (names[labels[first]], names[suspected_classes(scores, labels)[first]])
    return [
        _finding(checked.iloc[suspects], labels_of_first, n_checked=len(checked), n_rows=n_rows)
    ]


def rank_suspects(
    scores: npt.NDArray[np.float64], labels: npt.NDArray[np.int64]
) -> npt.NDArray[np.int64]:
    """[K] indexes of the suspect rows to report, most suspect first; scores [N, C] out of fold."""
    label_scores = scores[np.arange(len(labels)), labels]
    limit = np.quantile(1 - scores.max(axis=1), CONFIDENT_SHARE)
    suspect = (suspected_classes(scores, labels) != labels) & (
        label_scores <= max(MAX_LABEL_PROBABILITY, limit)
    )
    indexes = np.flatnonzero(suspect)
    order = np.argsort(label_scores[indexes], kind="stable")
    return indexes[order][: max(1, round(MAX_REPORTED * len(labels)))]


def suspected_classes(
    scores: npt.NDArray[np.float64], labels: npt.NDArray[np.int64]
) -> npt.NDArray[np.int64]:
    """[N] the class a row confidently belongs to, or its label if there is none; scores [N, C] out
    of fold, every class occurring in labels."""
    thresholds = np.array(
        [scores[labels == label, label].mean() for label in range(scores.shape[1])]
    )
    confident = np.where(scores >= thresholds, scores, -1.0)
    return np.where(confident.max(axis=1) < 0, labels, confident.argmax(axis=1))


def _finding(
    suspects: pd.DataFrame, labels_of_first: tuple[str, str], *, n_checked: int, n_rows: int
) -> Finding:
    """Always a note: the number of rows says more about how hard the data is than how noisy it is.

    labels_of_first are the first row's label and the likelier one.
    """
    first, (label, likelier) = suspects.iloc[0], labels_of_first
    share = f"{percent(len(suspects), n_checked)}{sample_clause(n_checked, n_rows)}"
    message = (
        f"{counted_rows(len(suspects))} ({share}) "
        "with a label that a quick classifier, fitted on other rows, rejects, such as "
        f"{first['split']} row {first['row']}, labelled {label!r}, more likely "
        f"{likelier!r}; some are hard rather than wrong: review them, most suspect first"
    )
    return Finding(CHECK, "note", message, row_ids(suspects))
