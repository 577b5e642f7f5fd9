"""Rows that repeat a text of their own split."""

from __future__ import annotations

from finesweep.dataset.checks.findings import percent, rows_where
from finesweep.records import SPLITS, Finding, Severity, SplitName, Splits
from finesweep.wording import counted_rows

CHECK = "duplicates"
WARNING_SHARE = 0.01
"""Of a split's rows: from there copies weigh as much as what usually separates two models."""
HARM: dict[SplitName, str] = {
    "train": "copies are learnt several times over",
    "validation": "copies count several times in every validation metric",
    "test": "copies count several times in every test metric, and its intervals are too narrow",
}


def find_duplicates(splits: Splits) -> list[Finding]:
    """One finding for each split with copies: every row beyond a text's first."""
    findings = []
    for split in SPLITS:
        copies = splits.frames[split]["text"].duplicated()
        if n := int(copies.sum()):
            message = (
                f"{counted_rows(n)} of {split} ({percent(n, len(copies))}) with a text that "
                f"stands there before: {HARM[split]}"
            )
            severity: Severity = "warning" if n >= WARNING_SHARE * len(copies) else "note"
            findings.append(Finding(CHECK, severity, message, rows_where({split: copies})))
    return findings
