"""Labels that a quick model is confident are wrong."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from finesweep.dataset.checks.guesses import N_FOLDS, out_of_fold, terms
from finesweep.dataset.checks.rows import named, of_sample, percent, sampled, together
from finesweep.dataset.mistakes import counted_rows
from finesweep.records import Finding, Severity, Splits

CHECK = "label_noise"
MOST_ROWS = 20_000
"""Looked at: half a minute."""
LEAST_OF_CLASS = 4 * N_FOLDS
"""Rows of a class, below which its threshold is a guess."""
MOST_FOR_GIVEN = 0.05
"""Probability of the given label. Confident learning alone also names rows on which the model only
leans the other way: of 8,000 reviews with one to five stars, which look alike, 40 %."""
WARNING_SHARE = 0.03
"""Of the rows looked at: about what Northcutt, Athalye and Mueller (2021) found wrong in the test
sets of ten well-known benchmarks."""


def find_label_noise(splits: Splits) -> list[Finding]:
    """One finding, most suspect rows first.

    Confident learning (Northcutt, Jiang and Chuang, Confident Learning: Estimating Uncertainty in
    Dataset Labels, JAIR 70, 2021): a row is suspect when another class is at least as probable for
    it as that class is, on average, for rows that bear its label. Probabilities are out of fold.
    """
    rows = together(splits).drop_duplicates(["text", "label"])
    seen = sampled(rows, MOST_ROWS)
    common = seen["label"].value_counts()
    seen = seen[seen["label"].isin(common.index[common >= LEAST_OF_CLASS])]
    if seen["label"].nunique() < 2:
        return []
    labels, classes = pd.factorize(seen["label"], sort=True)
    features, words = terms(seen["text"], n_classes=len(classes))
    if not len(words):
        return []
    scores = out_of_fold(features, labels)
    better = suspected(scores, labels)
    doubt = 1 - scores[np.arange(len(labels)), labels]
    suspect = (better != labels) & (doubt >= 1 - MOST_FOR_GIVEN)
    if not suspect.any():
        return []
    order = np.argsort(-doubt[suspect], kind="stable")
    found = seen[suspect].iloc[order]
    names = np.array(splits.label_names)[classes]
    likelier = names[better[suspect]][order]
    return [_finding(found, likelier, splits, n_seen=len(seen), n_rows=len(rows))]


def suspected(
    scores: npt.NDArray[np.float64], labels: npt.NDArray[np.int64]
) -> npt.NDArray[np.int64]:
    """[N] the class that a row confidently belongs to, or its label when there is none; scores
    [N, C] out of fold, every class among the labels."""
    thresholds = np.array(
        [scores[labels == label, label].mean() for label in range(scores.shape[1])]
    )
    confident = np.where(scores >= thresholds, scores, -1.0)
    return np.where(confident.max(axis=1) < 0, labels, confident.argmax(axis=1))


def _finding(
    found: pd.DataFrame, likelier: npt.NDArray[np.str_], splits: Splits, *, n_seen: int, n_rows: int
) -> Finding:
    first = found.iloc[0]
    severity: Severity = "warning" if len(found) >= WARNING_SHARE * n_seen else "note"
    message = (
        f"{counted_rows(len(found))} ({percent(len(found), n_seen)}{of_sample(n_seen, n_rows)}) "
        "with a label that a quick model, fitted on other rows, holds for wrong with 95 % "
        "confidence, as "
        f"{first['split']} row {first['row']}, labelled {splits.label_names[first['label']]!r}, "
        f"more like {str(likelier[0])!r}; some are "
        "hard rather than wrong: read them, most suspect first"
    )
    return Finding(CHECK, severity, message, named(found))
