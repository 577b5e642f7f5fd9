"""Drift from train to test: in labels, lengths and words."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.sparse import csr_matrix
from scipy.stats import chi2_contingency, ks_2samp
from sklearn.metrics import roc_auc_score

from finesweep.dataset.checks.findings import draw_sample, sample_clause
from finesweep.dataset.checks.quick_classifier import out_of_fold_probabilities, tfidf_features
from finesweep.dataset.labels.values import label_counts, labels_in
from finesweep.records import Finding, Severity, Splits

CHECK = "drift"
MAX_ROWS = 5_000
"""Maximum rows of each split for the classifier."""
MIN_ROWS = 50
"""Minimum rows of each split for the classifier: it can separate fewer by chance."""
ALPHA = 0.001
"""Significance level of each test. The effect must be large too: with a million rows every
difference is significant."""
LABEL_EFFECTS = (0.1, 0.3)
"""Cohen's w, small and medium (Cohen 1988, 7.2). Not Cramér's V, which shrinks with the smaller of
two splits of unequal size."""
LENGTH_EFFECTS = (0.1, 0.3)
"""Kolmogorov–Smirnov D: the largest gap between the two distributions of lengths."""
AUC_EFFECTS = (0.65, 0.8)
"""Cohen's medium and large effects (0.5 and 0.8 deviations) on a single variable give 0.64 and
0.71; the classifier can choose from thousands."""
N_WORDS = 3


def find_drift(splits: Splits) -> list[Finding]:
    """At most one finding each for labels, lengths and words, without row numbers.

    The last is a classifier two-sample test (Lopez-Paz and Oquab 2017), as compared by Rabanser et
    al. (Failing Loudly, 2019): if a classifier can distinguish test from train, they differ.
    """
    return [*_labels(splits), *_lengths(splits), *_words(splits)]


def _severity(effect: float, effects: tuple[float, float]) -> Severity:
    return "warning" if effect >= effects[1] else "note"


def _labels(splits: Splits) -> list[Finding]:
    n_classes = len(splits.label_names)
    counts = np.array(
        [
            label_counts(labels_in(splits.frames[split], n_classes), n_classes)
            for split in ("train", "test")
        ]
    )
    if splits.multi_label:
        return _most_shifted(splits, counts)
    effect, p = _shift(counts)
    if effect < LABEL_EFFECTS[0] or p >= ALPHA:
        return []
    train, test = counts / counts.sum(axis=1, keepdims=True)
    most_shifted = int(np.abs(test - train).argmax())
    return [
        _label_finding(
            effect, (splits.label_names[most_shifted], train[most_shifted], test[most_shifted])
        )
    ]


def _most_shifted(splits: Splits, counts: npt.NDArray[np.int64]) -> list[Finding]:
    """The finding for the label that differs most, each label being tested separately."""
    totals = np.array([len(splits.frames["train"]), len(splits.frames["test"])])
    shifts = [_shift(np.stack([each, totals - each], axis=1)) for each in counts.T]
    most_shifted = int(np.argmax([effect for effect, _ in shifts]))
    effect, p = shifts[most_shifted]
    if effect < LABEL_EFFECTS[0] or p >= ALPHA / len(shifts):
        return []
    train, test = counts[:, most_shifted] / totals
    return [_label_finding(effect, (splits.label_names[most_shifted], train, test))]


def _shift(counts: npt.NDArray[np.int64]) -> tuple[float, float]:
    """Cohen's w, and p of the test that the two rows of counts have the same distribution."""
    train, test = counts / counts.sum(axis=1, keepdims=True)
    mean = (train + test) / 2
    used = mean > 0
    effect = np.sqrt(((test - train)[used] ** 2 / mean[used]).sum())
    return float(effect), float(chi2_contingency(counts[:, used]).pvalue)


def _label_finding(effect: float, label: tuple[str, float, float]) -> Finding:
    """A finding for a label: its name and its shares of train and test."""
    name, train, test = label
    message = (
        f"label distribution differs between train and test (Cohen's w {effect:.2f}): "
        f"{name!r} is {100 * train:.0f} % of train and {100 * test:.0f} % of test; probabilities "
        "and thresholds fitted on one do not suit the other"
    )
    return Finding(CHECK, _severity(effect, LABEL_EFFECTS), message, ())


def _lengths(splits: Splits) -> list[Finding]:
    train, test = (splits.frames[split]["text"].str.len() for split in ("train", "test"))
    result = ks_2samp(train, test, method="asymp")
    effect = float(result.statistic)
    if effect < LENGTH_EFFECTS[0] or result.pvalue >= ALPHA:
        return []
    message = (
        f"text lengths differ between train and test (KS D {effect:.2f}): the median is "
        f"{train.median():,.0f} characters in train, {test.median():,.0f} in test; choose "
        "dataset.max_length for test, and check that validation resembles it"
    )
    return [Finding(CHECK, _severity(effect, LENGTH_EFFECTS), message, ())]


def _words(splits: Splits) -> list[Finding]:
    frames = [splits.frames[split].drop_duplicates("text") for split in ("train", "test")]
    train, test = (draw_sample(frame, MAX_ROWS)["text"] for frame in frames)
    if min(len(train), len(test)) < MIN_ROWS:
        return []
    features, words = tfidf_features(pd.concat([train, test], ignore_index=True))
    if not len(words):
        return []
    origin = np.repeat([0, 1], [len(train), len(test)])
    auc = float(roc_auc_score(origin, out_of_fold_probabilities(features, origin)[:, 1]))
    if auc - 3 * _standard_error(len(train), len(test)) < 0.5 or auc < AUC_EFFECTS[0]:
        return []
    clause = sample_clause(len(train) + len(test), sum(map(len, frames)))
    message = (
        f"a quick classifier can distinguish test from train by vocabulary{clause} (AUC {auc:.2f}, "
        f"0.5 is chance), mostly by {_typical_words(features, words, n_train=len(train))}: they "
        "differ in source or time, so validation metrics may not hold on test"
    )
    return [Finding(CHECK, _severity(auc, AUC_EFFECTS), message, ())]


def _standard_error(n_train: int, n_test: int) -> float:
    """Standard error of an AUC of 0.5, from Mann–Whitney U."""
    return float(np.sqrt((n_train + n_test + 1) / (12 * n_train * n_test)))


def _typical_words(features: csr_matrix, words: npt.NDArray[np.object_], *, n_train: int) -> str:
    """The words with the largest weight in test relative to train, and vice versa."""
    in_train, in_test = features[:n_train].mean(axis=0), features[n_train:].mean(axis=0)
    order = np.asarray(in_test - in_train).ravel().argsort()
    for_test = ", ".join(repr(word) for word in words[order[::-1][:N_WORDS]])
    for_train = ", ".join(repr(word) for word in words[order[:N_WORDS]])
    return f"{for_test} in test and {for_train} in train"
