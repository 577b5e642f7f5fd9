"""Validation and test rows whose text is also in another split."""

from __future__ import annotations

import pandas as pd

from finesweep.dataset.checks.findings import percent, rows_where
from finesweep.dataset.checks.normalise import normalised
from finesweep.records import SPLITS, Finding, Severity, SplitName, Splits
from finesweep.wording import counted_rows

CHECK = "leakage"
SEVERE_SHARE = 0.01
"""Share of the split's rows: they can raise accuracy by as much as separates two models."""
TELLING_LENGTH = 20
"""Letters from which equal texts are no coincidence, as `Thank you!` and `thank you` are."""
SPLIT_PAIRS: tuple[tuple[SplitName, SplitName], ...] = (
    ("validation", "train"),
    ("test", "train"),
    ("test", "validation"),
)


def find_leakage(splits: Splits) -> list[Finding]:
    """For each pair of splits that must not share texts: one finding for identical texts, one for
    texts identical after normalising."""
    texts = {split: splits.frames[split]["text"] for split in SPLITS}
    normalised_texts = {split: normalised(column) for split, column in texts.items()}
    findings = []
    for split, other in SPLIT_PAIRS:
        exact = _shared(texts[split], texts[other])
        alike = (
            _shared(normalised_texts[split], normalised_texts[other])
            & normalised_texts[split].ne("")
            & ~exact
        )
        findings += [
            *_exact(split, other, exact),
            *_normalised(
                split, other, alike, long=normalised_texts[split].str.len() >= TELLING_LENGTH
            ),
        ]
    return findings


def _shared(texts: pd.Series, others: pd.Series) -> pd.Series:
    """Mask of the texts that are among the others; Series.isin is five times slower on strings."""
    distinct = set(others.tolist())
    return pd.Series([text in distinct for text in texts.tolist()], index=texts.index, dtype=bool)


def _exact(split: SplitName, other: SplitName, leaked: pd.Series) -> list[Finding]:
    n = int(leaked.sum())
    severity: Severity = "severe" if n >= SEVERE_SHARE * len(leaked) else "warning"
    message = (
        f"{counted_rows(n)} of {split} ({percent(n, len(leaked))}) whose text is also in "
        f"{other}: a model can memorise such texts, so {split} metrics are too good; remove "
        f"them from {other}"
    )
    return [Finding(CHECK, severity, message, rows_where({split: leaked}))] if n else []


def _normalised(
    split: SplitName, other: SplitName, leaked: pd.Series, *, long: pd.Series
) -> list[Finding]:
    n = int(leaked.sum())
    n_telling = int((leaked & long).sum())
    severity: Severity = "warning" if n_telling else "note"
    if n_telling >= SEVERE_SHARE * len(leaked):
        severity = "severe"
    message = (
        f"{counted_rows(n)} more of {split} ({percent(n, len(leaked))}) with the text of a {other} "
        "row except for case, spaces or punctuation: nearly the same to most tokenizers"
    )
    rows = rows_where({split: leaked})
    return [Finding(CHECK, severity, message, rows)] if n else []
