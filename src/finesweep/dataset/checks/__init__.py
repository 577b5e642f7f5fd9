"""Data checks: one per file, each a pure function of the splits."""

from __future__ import annotations

from collections.abc import Callable

from finesweep.dataset.checks import (
    balance,
    conflicts,
    drift,
    duplicates,
    encoding,
    label_noise,
    languages,
    leakage,
    missing,
    near_duplicates,
)
from finesweep.errors import Problem
from finesweep.records import Finding, Splits
from finesweep.wording import listed_rows

__all__ = ["CHECKS", "examine", "severe_problems"]

Find = Callable[[Splits], list[Finding]]

SEVERE_CHECKS: dict[str, Find] = {
    leakage.CHECK: leakage.find_leakage,
    conflicts.CHECK: conflicts.find_conflicts,
    balance.CHECK: balance.find_imbalance,
    near_duplicates.CHECK: near_duplicates.find_near_duplicates,
}
"""Checks with severe findings, which invalidate the evaluation."""

CHECKS: dict[str, Find] = {
    missing.CHECK: missing.find_missing,
    duplicates.CHECK: duplicates.find_duplicates,
    **SEVERE_CHECKS,
    encoding.CHECK: encoding.find_encoding_damage,
    languages.CHECK: languages.find_languages,
    drift.CHECK: drift.find_drift,
    label_noise.CHECK: label_noise.find_label_noise,
}
"""Name → check, fast ones first."""

SEVERITIES = ("severe", "warning", "note")


def examine(
    splits: Splits, *, on_check: Callable[[str], None] = lambda _: None
) -> tuple[Finding, ...]:
    """All findings, severe ones first, then warnings, then notes, each in the order of the checks;
    on_check is called with each check's name before it starts."""
    findings = []
    for name, find in CHECKS.items():
        on_check(name)
        findings += find(splits)
    return tuple(sorted(findings, key=lambda finding: SEVERITIES.index(finding.severity)))


def severe_problems(splits: Splits) -> list[Problem]:
    """Problems that dataset.checks=strict refuses: every severe finding, with its first rows."""
    findings = [finding for find in SEVERE_CHECKS.values() for finding in find(splits)]
    return [
        Problem("dataset.checks", f"{finding.check}: {finding.message}{_first(finding)}")
        for finding in findings
        if finding.severity == "severe"
    ]


def _first(finding: Finding) -> str:
    where = f" ({listed_rows(finding.rows)})" if finding.rows else ""
    return f"{where}; `finesweep explore` shows all"
