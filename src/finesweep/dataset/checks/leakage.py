"""Rows of validation and test whose text a model has already seen elsewhere."""

from __future__ import annotations

import pandas as pd

from finesweep.dataset.checks.rows import SPLITS, percent, rows_where
from finesweep.dataset.checks.skeletons import skeletons
from finesweep.dataset.mistakes import counted_rows
from finesweep.records import Finding, Severity, SplitName, Splits

CHECK = "leakage"
SEVERE_SHARE = 0.01
"""Of the split's rows: they can lift accuracy by that much, which is what separates two models."""
TELLING_LENGTH = 20
"""Letters from which texts do not agree by chance, as `Thank you!` and `thank you` do."""
PAIRS: tuple[tuple[SplitName, SplitName], ...] = (
    ("validation", "train"),
    ("test", "train"),
    ("test", "validation"),
)


def find_leakage(splits: Splits) -> list[Finding]:
    """For each split and each that it must not share a text with: one finding for texts that are
    exactly the same, one for those that are after normalising."""
    texts = {split: splits.frames[split]["text"] for split in SPLITS}
    bare = {split: skeletons(column) for split, column in texts.items()}
    findings = []
    for split, other in PAIRS:
        exact = texts[split].isin(texts[other])
        alike = bare[split].isin(bare[other]) & bare[split].ne("") & ~exact
        findings += [
            *_exact(split, other, exact),
            *_normalised(split, other, alike, long=bare[split].str.len() >= TELLING_LENGTH),
        ]
    return findings


def _exact(split: SplitName, other: SplitName, leaked: pd.Series) -> list[Finding]:
    n = int(leaked.sum())
    severity: Severity = "severe" if n >= SEVERE_SHARE * len(leaked) else "warning"
    message = (
        f"{counted_rows(n)} of {split} ({percent(n, len(leaked))}) have a text that is also in "
        f"{other}: a model answers them from memory, so {split} metrics are too good; leave these "
        f"rows out of {other}"
    )
    return [Finding(CHECK, severity, message, rows_where({split: leaked}))] if n else []


def _normalised(
    split: SplitName, other: SplitName, leaked: pd.Series, *, long: pd.Series
) -> list[Finding]:
    n = int(leaked.sum())
    weighs = int((leaked & long).sum()) >= SEVERE_SHARE * len(leaked)
    message = (
        f"{counted_rows(n)} more of {split} ({percent(n, len(leaked))}) equal a text of {other} but "
        "for capitals, spaces or punctuation: to most tokenizers that is nearly the same text"
    )
    rows = rows_where({split: leaked})
    return [Finding(CHECK, "severe" if weighs else "note", message, rows)] if n else []
