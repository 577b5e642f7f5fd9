"""The promotion rule: a pure comparison of a challenger and a champion on the same test rows."""

from __future__ import annotations

from typing import Literal

import numpy as np

from finesweep.registry.records import Check, Decision, Requirements, Scored
from finesweep.stats.alpha_spending import alpha_of_look
from finesweep.stats.paired_tests import (
    accuracy_difference,
    gained_and_lost,
    mcnemar,
    non_inferiority,
    rows_needed,
)
from finesweep.stats.predictions import are_correct, one_hot

Mode = Literal["superiority", "non-inferiority"]
CHEAPER = 0.05
"""Fraction by which a model must be faster or smaller to count as such: latencies vary."""


def decide(
    challenger: Scored,
    champion: Scored | None,
    *,
    requirements: Requirements,
    mode: Mode = "superiority",
    margin: float = 0.005,
    alpha: float = 0.05,
    look: int = 1,
) -> Decision:
    """Promoted when every check passes; without a champion only the requirements are checked.

    Superiority: right more often, by McNemar's exact test. Non-inferiority: accuracy lower by less
    than margin, by Tango's score test, and faster or smaller. Both tests are one-sided, at the part
    of alpha that the look-th comparison on this test set (from 1) may spend. ValueError when the
    two were scored on different rows.
    """
    checks = _requirement_checks(challenger, requirements)
    if champion is None:
        return _decision(mode, checks, {}, None)
    if challenger.fingerprint != champion.fingerprint:
        raise ValueError("challenger and champion were scored on different test rows")
    if requirements.recall_loss is not None:
        checks.append(_recall_check(challenger, champion, requirements.recall_loss))
    n, (gained, lost) = len(challenger.labels), map(len, flipped(challenger, champion))
    margin = margin if mode == "non-inferiority" else 0.0
    look_alpha = alpha_of_look(alpha, look)
    p = mcnemar(gained, lost) if not margin else non_inferiority(gained, lost, n, margin=margin)
    difference = accuracy_difference(gained, lost, n, level=1 - 2 * look_alpha)
    counts = (gained, lost, n)
    checks.append(_accuracy_check(mode, p, look_alpha, margin, difference.value, counts))
    if mode == "non-inferiority":
        checks.append(_cost_check(challenger, champion))
    numbers = {
        "rows": n,
        "gained": gained,
        "lost": lost,
        "difference": difference.value,
        "difference_low": difference.low,
        "difference_high": difference.high,
        "p": p,
        "alpha_of_look": look_alpha,
        "look": look,
        "margin": margin,
    }
    needed = None
    if p > look_alpha:
        estimate = rows_needed(gained, lost, n, alpha=look_alpha, margin=margin)
        needed = estimate if estimate is not None and estimate > n else None
    return _decision(mode, checks, numbers, needed)


def flipped(challenger: Scored, champion: Scored) -> tuple[np.ndarray, np.ndarray]:
    """Rows that only the challenger gets right, and rows that only the champion gets right."""
    return gained_and_lost(
        *(are_correct(each.predicted, each.labels) for each in (challenger, champion))
    )


def _requirement_checks(challenger: Scored, requirements: Requirements) -> list[Check]:
    checks = []
    for name, minimum in requirements.minimum.items():
        value = challenger.metrics.get(name, float("nan"))
        checks.append(Check(name, value >= minimum, f"{value:.4f}, minimum {minimum:g}"))
    if requirements.latency_ms is not None:
        found = f"{challenger.latency_ms:.1f} ms, maximum {requirements.latency_ms:g}"
        checks.append(Check("latency", challenger.latency_ms <= requirements.latency_ms, found))
    return checks


def _recall_check(challenger: Scored, champion: Scored, max_loss: float) -> Check:
    losses = {
        name: _recall(champion, c) - _recall(challenger, c)
        for c, name in enumerate(champion.label_names)
        if one_hot(champion.labels, len(champion.label_names))[:, c].any()
    }
    worst = max(losses, key=lambda name: losses[name])
    found = f"{worst} changes by {-losses[worst]:+.4f}, maximum loss of a class {max_loss:g}"
    return Check("recall of each class", losses[worst] <= max_loss, found)


def _recall(scored: Scored, c: int) -> float:
    truth, predicted = (
        one_hot(labels, len(scored.label_names))[:, c]
        for labels in (scored.labels, scored.predicted)
    )
    return float(predicted[truth].mean())


def _accuracy_check(
    mode: str,
    p: float,
    alpha: float,
    margin: float,
    difference: float,
    counts: tuple[int, int, int],
) -> Check:
    gained, lost, n = counts
    claim = f"lower by less than {margin:g}" if margin else "higher"
    found = (
        f"accuracy {difference:+.4f} ({gained} rows gained, {lost} lost, of {n:,});"
        f" p of not being {claim} {p:.2g}, maximum {alpha:.2g}"
    )
    return Check(mode, p <= alpha, found)


def _cost_check(challenger: Scored, champion: Scored) -> Check:
    faster = challenger.latency_ms <= (1 - CHEAPER) * champion.latency_ms
    smaller = challenger.size_bytes <= (1 - CHEAPER) * champion.size_bytes
    found = (
        f"{challenger.latency_ms:.1f} ms against {champion.latency_ms:.1f},"
        f" {challenger.size_bytes / 1e6:.0f} MB against {champion.size_bytes / 1e6:.0f}"
    )
    return Check("faster or smaller", faster or smaller, found)


def _decision(
    mode: str, checks: list[Check], numbers: dict[str, float], needed: int | None
) -> Decision:
    return Decision(all(check.passed for check in checks), mode, tuple(checks), numbers, needed)
