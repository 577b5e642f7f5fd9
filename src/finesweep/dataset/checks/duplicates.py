"""Duplicate texts within a split."""

from __future__ import annotations

from finesweep.dataset.checks.findings import percent, rows_where
from finesweep.records import SPLITS, Finding, Severity, SplitName, Splits
from finesweep.wording import counted_rows

CHECK = "duplicates"
WARNING_SHARE = 0.01
"""Share of a split's rows from which duplicates can outweigh the difference between two models."""
HARM: dict[SplitName, str] = {
    "train": "duplicates are learnt several times",
    "validation": "duplicates count several times in every validation metric",
    "test": "duplicates count several times in every test metric, and intervals are too narrow",
}


def find_duplicates(splits: Splits) -> list[Finding]:
    """One finding for each split with duplicates: every row after a text's first."""
    findings = []
    for split in SPLITS:
        duplicates = splits.frames[split]["text"].duplicated()
        if n := int(duplicates.sum()):
            message = (
                f"{counted_rows(n)} of {split} ({percent(n, len(duplicates))}) with a text of "
                f"an earlier row: {HARM[split]}"
            )
            severity: Severity = "warning" if n >= WARNING_SHARE * len(duplicates) else "note"
            findings.append(Finding(CHECK, severity, message, rows_where({split: duplicates})))
    return findings
