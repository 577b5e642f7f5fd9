"""Texts that stand with two labels, of which at most one can be learnt."""

from __future__ import annotations

import pandas as pd

from finesweep.dataset.checks.findings import all_rows, percent, row_ids
from finesweep.dataset.checks.normalise import normalised
from finesweep.records import Finding, Severity, Splits
from finesweep.wording import counted_rows

CHECK = "conflicts"
SEVERE_SHARE = 0.05
"""Of a split's rows: about half of them cannot be answered rightly, so no accuracy there passes
97.5 %, and a metric says more about the labels than about models."""
WARNING_SHARE = 0.01


def find_conflicts(splits: Splits) -> list[Finding]:
    """One finding for texts exactly the same, one for those that are so after normalising; their
    rows in all splits."""
    rows = all_rows(splits)
    exact = _conflicting(rows, rows["text"])
    bare = normalised(rows["text"])
    # A text of symbols alone has no skeleton, and would seem to be the same as all others.
    alike = _conflicting(rows, bare) & bare.ne("") & ~exact
    return [*_exact(rows, exact), *_normalised(rows, alike)]


def _conflicting(rows: pd.DataFrame, texts: pd.Series) -> pd.Series:
    """True for each row whose text has another label elsewhere."""
    copies = texts.duplicated(keep=False)
    labels = rows["label"][copies]
    n_labels = labels.groupby(texts[copies], sort=False).transform("nunique")
    return n_labels.gt(1).reindex(rows.index, fill_value=False)


def _exact(rows: pd.DataFrame, found: pd.Series) -> list[Finding]:
    if not found.any():
        return []
    share = _largest_share(rows, found)
    severity: Severity = "note"
    if share >= WARNING_SHARE:
        severity = "severe" if share >= SEVERE_SHARE else "warning"
    message = (
        f"{rows['text'][found].nunique():,} texts stand with two labels or more: "
        f"{_by_split(rows, found)}; at most one can be right, and the others cap what any model "
        "reaches; dataset.conflicts=drop leaves them out of train"
    )
    return [Finding(CHECK, severity, message, row_ids(rows[found]))]


def _normalised(rows: pd.DataFrame, found: pd.Series) -> list[Finding]:
    """Never severe: punctuation may be the very thing that tells the labels apart."""
    if not found.any():
        return []
    message = (
        "texts that differ only in capitals, spaces or punctuation have different labels: "
        f"{_by_split(rows, found)}; look whether the difference means it"
    )
    severity: Severity = "warning" if _largest_share(rows, found) >= WARNING_SHARE else "note"
    return [Finding(CHECK, severity, message, row_ids(rows[found]))]


def _largest_share(rows: pd.DataFrame, found: pd.Series) -> float:
    return float(found.groupby(rows["split"]).mean().max())


def _by_split(rows: pd.DataFrame, found: pd.Series) -> str:
    counts = found.groupby(rows["split"], sort=False).agg(["sum", "size"])
    return ", ".join(
        f"{counted_rows(n)} of {split} ({percent(n, of)})"
        for split, n, of in counts.itertuples()
        if n
    )
