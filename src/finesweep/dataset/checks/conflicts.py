"""Texts with conflicting labels, of which at most one can be correct."""

from __future__ import annotations

import pandas as pd

from finesweep.dataset.checks.findings import all_rows, percent, row_ids
from finesweep.dataset.checks.normalise import normalised
from finesweep.records import Finding, Severity, Splits
from finesweep.wording import counted_rows

CHECK = "conflicts"
SEVERE_SHARE = 0.05
"""Share of a split's rows. About half of them must count as errors, so accuracy cannot exceed
97.5 %, and metrics say more about the labels than about models."""
WARNING_SHARE = 0.01


def find_conflicts(splits: Splits) -> list[Finding]:
    """One finding for identical texts, one for texts identical after normalising; rows in all
    splits."""
    rows = all_rows(splits)
    exact = _conflicting(rows, rows["text"])
    normalised_texts = normalised(rows["text"])
    # A text of punctuation alone normalises to nothing, and would equal all others like it.
    alike = _conflicting(rows, normalised_texts) & normalised_texts.ne("") & ~exact
    return [*_exact(rows, exact), *_normalised(rows, alike)]


def _conflicting(rows: pd.DataFrame, texts: pd.Series) -> pd.Series:
    """True for each row whose text has a different label in another row."""
    copies = texts.duplicated(keep=False)
    labels = rows["label"][copies]
    n_labels = labels.groupby(texts[copies], sort=False).transform("nunique")
    return n_labels.gt(1).reindex(rows.index, fill_value=False)


def _exact(rows: pd.DataFrame, conflicting: pd.Series) -> list[Finding]:
    if not conflicting.any():
        return []
    share = _largest_share(rows, conflicting)
    severity: Severity = "note"
    if share >= WARNING_SHARE:
        severity = "severe" if share >= SEVERE_SHARE else "warning"
    message = (
        f"{rows['text'][conflicting].nunique():,} texts have two or more labels: "
        f"{_by_split(rows, conflicting)}; at most one can be right, which caps what any model can "
        "reach; dataset.conflicts=drop removes them from train"
    )
    return [Finding(CHECK, severity, message, row_ids(rows[conflicting]))]


def _normalised(rows: pd.DataFrame, conflicting: pd.Series) -> list[Finding]:
    """Never severe: punctuation may be what distinguishes the labels."""
    if not conflicting.any():
        return []
    message = (
        "texts that differ only in case, spaces or punctuation have different labels: "
        f"{_by_split(rows, conflicting)}; check whether that difference explains the label"
    )
    severity: Severity = "warning" if _largest_share(rows, conflicting) >= WARNING_SHARE else "note"
    return [Finding(CHECK, severity, message, row_ids(rows[conflicting]))]


def _largest_share(rows: pd.DataFrame, conflicting: pd.Series) -> float:
    return float(conflicting.groupby(rows["split"]).mean().max())


def _by_split(rows: pd.DataFrame, conflicting: pd.Series) -> str:
    counts = conflicting.groupby(rows["split"], sort=False).agg(["sum", "size"])
    return ", ".join(
        f"{counted_rows(n)} of {split} ({percent(n, of)})"
        for split, n, of in counts.itertuples()
        if n
    )
