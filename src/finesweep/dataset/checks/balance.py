"""Classes that are rare, or missing from a split."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from finesweep.dataset.checks.findings import rows_where
from finesweep.dataset.labels.values import label_counts, labels_in
from finesweep.records import SPLITS, Finding, Severity, SplitName, Splits
from finesweep.wording import counted_rows, listed

CHECK = "balance"
NOTE_RATIO = 3.0
WARNING_RATIO = 10.0
"""Rows of the commonest class per row of the rarest in train. From 10 on, accuracy hardly depends
on the rarest."""
MIN_ROWS = 10
"""Rows of a class in a split. With fewer, the 95 % interval of its recall spans 50 points or more,
and few fine-tuned models learn it."""

Counts = npt.NDArray[np.int64]
BE, HAVE = ("is", "are"), ("has", "have")


def find_imbalance(splits: Splits) -> list[Finding]:
    """Findings on missing classes, classes with very few rows, and the ratio of commonest to
    rarest."""
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
            "in validation or test but not in train: no model can learn it, so all its rows count "
            "as errors",
        ),
        (
            unseen & (evaluated == 0),
            "warning",
            "in no split: it can be neither learnt nor measured",
        ),
        *(
            (
                ~unseen & (counts[split] == 0),
                "warning",
                f"in train but not in {split}: {split} metrics do not measure it",
            )
            for split in SPLITS[1:]
        ),
    ]
    return [
        Finding(CHECK, severity, f"{_classes(mask, names, BE)} {what}", ())
        for mask, severity, what in cases
        if mask.any()
    ]


def _few(
    counts: dict[SplitName, Counts], labels: dict[SplitName, Counts], splits: Splits
) -> list[Finding]:
    findings = []
    for split in SPLITS:
        few = (counts[split] > 0) & (counts[split] < MIN_ROWS)
        if not few.any():
            continue
        min_rows = int(counts[split][few].min())
        harm = "too few to learn from" if split == "train" else "too few to measure recall"
        message = (
            f"{_classes(few, splits.label_names, HAVE)} fewer than {MIN_ROWS} rows of {split} "
            f"(the rarest has {counted_rows(min_rows)}): {harm}"
        )
        has_few = (
            few[labels[split]] if labels[split].ndim == 1 else labels[split][:, few].any(axis=1)
        )
        rows = rows_where({split: pd.Series(has_few, splits.frames[split].index)})
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
        f"{names[rarest]!r} {int(train[rarest]):,}, a ratio of {ratio:.1f}: accuracy hides errors "
        "on rare classes, macro F1 does not; training.class_weights=balanced gives them more weight"
    )
    return [Finding(CHECK, "warning" if ratio >= WARNING_RATIO else "note", message, ())]


def _classes(mask: npt.NDArray[np.bool_], names: tuple[str, ...], verbs: tuple[str, str]) -> str:
    """`class 'a' is` or `classes 'a', 'b' are`, by verbs (is, are)."""
    chosen = [names[label] for label in np.flatnonzero(mask)]
    one, many = verbs
    return (
        f"class {listed(chosen)} {one}" if len(chosen) == 1 else f"classes {listed(chosen)} {many}"
    )
