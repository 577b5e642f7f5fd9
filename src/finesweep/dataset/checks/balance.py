"""Classes that are rare, or missing from a split."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from finesweep.dataset.checks.findings import rows_where
from finesweep.dataset.labels.values import label_counts, labels_in
from finesweep.dataset.validation import listed
from finesweep.records import SPLITS, Finding, Severity, SplitName, Splits
from finesweep.wording import counted_rows

CHECK = "balance"
NOTE_RATIO = 3.0
WARNING_RATIO = 10.0
"""Of the commonest class to the rarest in train. From 10 on, accuracy hardly notices the rarest."""
MIN_ROWS = 10
"""Of a class: its recall in a split of fewer has a 95 % interval of 50 points and more, and few
fine-tuned models learn a class from fewer."""

Counts = npt.NDArray[np.int64]
BE, HAVE = ("is", "are"), ("has", "have")


def find_imbalance(splits: Splits) -> list[Finding]:
    """Classes missing, classes with very few rows, and the ratio of the commonest to the rarest."""
    n_classes = len(splits.label_names)
    labels = {split: labels_in(splits.frames[split], n_classes) for split in SPLITS}
    counts = {split: label_counts(each, n_classes) for split, each in labels.items()}
    return [
        *_absent(counts, splits.label_names),
        *_few(counts, labels, splits),
        *_ratio(counts["train"], splits.label_names),
    ]


def _absent(counts: dict[SplitName, Counts], names: tuple[str, ...]) -> list[Finding]:
    evaluated = counts["validation"] + counts["test"]
    trained = counts["train"]
    unseen = trained == 0
    cases: list[tuple[npt.NDArray[np.bool_], Severity, str]] = [
        (
            unseen & (evaluated > 0),
            "severe",
            "in validation or test but not in train: no model can learn it, and every metric there "
            "counts it as wrong",
        ),
        (
            unseen & (evaluated == 0),
            "warning",
            "in no split: a model would carry an answer that nothing teaches and nothing measures",
        ),
        *(
            (
                ~unseen & (counts[split] == 0),
                "warning",
                f"in train but not in {split}: {split} metrics say nothing about it",
            )
            for split in SPLITS[1:]
        ),
    ]
    return [
        Finding(CHECK, severity, f"{_classes(found, names, BE)} {what}", ())
        for found, severity, what in cases
        if found.any()
    ]


def _few(
    counts: dict[SplitName, Counts], labels: dict[SplitName, Counts], splits: Splits
) -> list[Finding]:
    findings = []
    for split in SPLITS:
        few = (counts[split] > 0) & (counts[split] < MIN_ROWS)
        if not few.any():
            continue
        least = int(counts[split][few].min())
        harm = "too few to learn from" if split == "train" else "its recall there is mere chance"
        message = (
            f"{_classes(few, splits.label_names, HAVE)} fewer than {MIN_ROWS} rows of {split} "
            f"(the rarest has {counted_rows(least)}): {harm}"
        )
        held = few[labels[split]] if labels[split].ndim == 1 else labels[split][:, few].any(axis=1)
        rows = rows_where({split: pd.Series(held, splits.frames[split].index)})
        findings.append(Finding(CHECK, "warning", message, rows))
    return findings


def _ratio(train: Counts, names: tuple[str, ...]) -> list[Finding]:
    present = np.where(train > 0, train, train.max() + 1)
    rarest, commonest = int(present.argmin()), int(train.argmax())
    ratio = train[commonest] / train[rarest]
    if ratio < NOTE_RATIO:
        return []
    message = (
        f"{names[commonest]!r} has {counted_rows(int(train[commonest]))} of train and "
        f"{names[rarest]!r} {int(train[rarest]):,}, a ratio of {ratio:.1f}: accuracy hides what "
        "happens to rare classes, macro F1 does not; training.class_weights=balanced weighs them up"
    )
    return [Finding(CHECK, "warning" if ratio >= WARNING_RATIO else "note", message, ())]


def _classes(found: npt.NDArray[np.bool_], names: tuple[str, ...], verbs: tuple[str, str]) -> str:
    """`class 'a' is` or `classes 'a', 'b' are`, by verbs (is, are)."""
    chosen = [names[label] for label in np.flatnonzero(found)]
    one, many = verbs
    return (
        f"class {listed(chosen)} {one}" if len(chosen) == 1 else f"classes {listed(chosen)} {many}"
    )
