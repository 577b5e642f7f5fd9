"""Labels that a quick model is confident are wrong."""

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
"""Looked at: half a minute."""
MIN_ROWS_PER_CLASS = 4 * N_FOLDS
"""Rows of a class, below which its threshold is a guess."""
MAX_FOR_GIVEN = 0.05
"""Probability of the given label. Confident learning alone also names rows on which the model only
leans the other way: of 8,000 reviews with one to five stars, which look alike, 40 %."""
SUREST = 0.05
"""Where noise keeps the model from being so sure of anything, it is enough to be as sure against a
label as of its surest 5 % of answers."""
MAX_NAMED = 0.02
"""Of the rows looked at. With 5 to 20 % of labels flipped, 65 to 90 % of the rows named were
flipped ones, but only a tenth of those were named: a list to begin with, not a measure."""


def find_label_noise(splits: Splits) -> list[Finding]:
    """One finding, most suspect rows first.

    Confident learning (Northcutt, Jiang and Chuang, Confident Learning: Estimating Uncertainty in
    Dataset Labels, JAIR 70, 2021): a row is suspect when another class is at least as probable for
    it as that class is, on average, for rows that bear its label. Probabilities are out of fold.
    """
    rows = all_rows(splits).drop_duplicates(["text", "label"])
    seen = draw_sample(rows, MAX_ROWS)
    if splits.multi_label:
        return _of_each_label(seen, splits.label_names, n_rows=len(rows))
    common = seen["label"].value_counts()
    seen = seen[seen["label"].isin(common.index[common >= MIN_ROWS_PER_CLASS])]
    if seen["label"].nunique() < 2:
        return []
    labels, classes = pd.factorize(seen["label"], sort=True)
    features, words = tfidf_features(seen["text"], n_classes=len(classes))
    if not len(words):
        return []
    names = [splits.label_names[label] for label in classes]
    return _named_doubts(seen, features, labels, names, n_rows=len(rows))


def _of_each_label(seen: pd.DataFrame, names: tuple[str, ...], *, n_rows: int) -> list[Finding]:
    """A finding for each of several labels, which is a question of yes and no."""
    features, words = tfidf_features(seen["text"])
    if not len(words):
        return []
    return [
        finding
        for name, labels in zip(names, labels_in(seen, len(names)).T, strict=True)
        if np.bincount(labels, minlength=2).min() >= MIN_ROWS_PER_CLASS
        for finding in _named_doubts(seen, features, labels, [f"not {name}", name], n_rows=n_rows)
    ]


def _named_doubts(
    seen: pd.DataFrame,
    features: csr_matrix,
    labels: npt.NDArray[np.int64],
    names: Sequence[str],
    *,
    n_rows: int,
) -> list[Finding]:
    """labels [N] are places in names."""
    scores = out_of_fold_probabilities(features, labels)
    doubtful = rank_suspects(scores, labels)
    if not len(doubtful):
        return []
    first = doubtful[0]
    told = (names[labels[first]], names[suspected_classes(scores, labels)[first]])
    return [_finding(seen.iloc[doubtful], told, n_seen=len(seen), n_rows=n_rows)]


def rank_suspects(
    scores: npt.NDArray[np.float64], labels: npt.NDArray[np.int64]
) -> npt.NDArray[np.int64]:
    """[K] places of the suspect rows to name, most suspect first; scores [N, C] out of fold."""
    given = scores[np.arange(len(labels)), labels]
    least_sure = np.quantile(1 - scores.max(axis=1), SUREST)
    suspect = (suspected_classes(scores, labels) != labels) & (
        given <= max(MAX_FOR_GIVEN, least_sure)
    )
    places = np.flatnonzero(suspect)
    order = np.argsort(given[places], kind="stable")
    return places[order][: max(1, round(MAX_NAMED * len(labels)))]


def suspected_classes(
    scores: npt.NDArray[np.float64], labels: npt.NDArray[np.int64]
) -> npt.NDArray[np.int64]:
    """[N] the class that a row confidently belongs to, or its label when there is none; scores
    [N, C] out of fold, every class among the labels."""
    thresholds = np.array(
        [scores[labels == label, label].mean() for label in range(scores.shape[1])]
    )
    confident = np.where(scores >= thresholds, scores, -1.0)
    return np.where(confident.max(axis=1) < 0, labels, confident.argmax(axis=1))


def _finding(found: pd.DataFrame, told: tuple[str, str], *, n_seen: int, n_rows: int) -> Finding:
    """A note whatever their number: it says more about how hard the data is than how noisy. told
    are the first row's label and the likelier one."""
    first, (given, likelier) = found.iloc[0], told
    share = f"{percent(len(found), n_seen)}{sample_clause(n_seen, n_rows)}"
    message = (
        f"{counted_rows(len(found))} ({share}) "
        "with a label that a quick model, fitted on other rows, is sure is wrong, as "
        f"{first['split']} row {first['row']}, labelled {given!r}, more like "
        f"{likelier!r}; some are hard rather than wrong: read them, most suspect first"
    )
    return Finding(CHECK, "note", message, row_ids(found))
