"""The rule of promotion: a challenger and a champion on the same test rows, and nothing else."""

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
"""Share by which a model must be faster or smaller for that to count: latencies wander."""


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
    """Promoted when every check passes; the first champion has only the requirements to pass.

    Superiority: right more often, by McNemar's exact test. Non-inferiority: accuracy lower by less
    than margin, by Tango's score test, and faster or smaller. Both one-sided, at what the look of
    this number (from 1 on) at this test set may spend of alpha. ValueError when the two were not
    scored on the same rows.
    """
    checks = _requirements(challenger, requirements)
    if champion is None:
        return _decided(mode, checks, {}, None)
    if challenger.fingerprint != champion.fingerprint:
        raise ValueError("challenger and champion were scored on different test rows")
    if requirements.recall_loss is not None:
        checks.append(_recalls(challenger, champion, requirements.recall_loss))
    n, (gained, lost) = len(challenger.labels), map(len, flipped(challenger, champion))
    margin = margin if mode == "non-inferiority" else 0.0
    spent = alpha_of_look(alpha, look)
    p = mcnemar(gained, lost) if not margin else non_inferiority(gained, lost, n, margin=margin)
    difference = accuracy_difference(gained, lost, n, level=1 - 2 * spent)
    checks.append(_accuracy(mode, p, spent, margin, difference.value, (gained, lost, n)))
    if mode == "non-inferiority":
        checks.append(_cheaper(challenger, champion))
    numbers = {
        "rows": n,
        "gained": gained,
        "lost": lost,
        "difference": difference.value,
        "difference_low": difference.low,
        "difference_high": difference.high,
        "p": p,
        "alpha_of_look": spent,
        "look": look,
        "margin": margin,
    }
    needed = None
    if p > spent:
        found = rows_needed(gained, lost, n, alpha=spent, margin=margin)
        needed = found if found is not None and found > n else None
    return _decided(mode, checks, numbers, needed)


def flipped(challenger: Scored, champion: Scored) -> tuple[np.ndarray, np.ndarray]:
    """Rows that the challenger gained, and rows that it lost."""
    return gained_and_lost(
        *(are_correct(each.guesses, each.labels) for each in (challenger, champion))
    )


def _requirements(challenger: Scored, requirements: Requirements) -> list[Check]:
    checks = []
    for name, least in requirements.minimum.items():
        value = challenger.metrics.get(name, float("nan"))
        checks.append(Check(name, value >= least, f"{value:.4f}, at least {least:g}"))
    if requirements.latency_ms is not None:
        found = f"{challenger.latency_ms:.1f} ms, at most {requirements.latency_ms:g}"
        checks.append(Check("latency", challenger.latency_ms <= requirements.latency_ms, found))
    return checks


def _recalls(challenger: Scored, champion: Scored, allowed: float) -> Check:
    losses = {
        name: _recall(champion, c) - _recall(challenger, c)
        for c, name in enumerate(champion.label_names)
        if one_hot(champion.labels, len(champion.label_names))[:, c].any()
    }
    worst = max(losses, key=lambda name: losses[name])
    found = f"{worst} changes by {-losses[worst]:+.4f}, no class may lose more than {allowed:g}"
    return Check("recall of each class", losses[worst] <= allowed, found)


def _recall(scored: Scored, c: int) -> float:
    truth, guessed = (
        one_hot(labels, len(scored.label_names))[:, c] for labels in (scored.labels, scored.guesses)
    )
    return float(guessed[truth].mean())


def _accuracy(
    mode: str,
    p: float,
    spent: float,
    margin: float,
    difference: float,
    counts: tuple[int, int, int],
) -> Check:
    gained, lost, n = counts
    claim = f"lower by less than {margin:g}" if margin else "higher"
    found = (
        f"accuracy {difference:+.4f} ({gained} rows gained, {lost} lost, of {n:,});"
        f" p that it is not {claim} {p:.2g}, at most {spent:.2g}"
    )
    return Check(mode, p <= spent, found)


def _cheaper(challenger: Scored, champion: Scored) -> Check:
    faster = challenger.latency_ms <= (1 - CHEAPER) * champion.latency_ms
    smaller = challenger.size_bytes <= (1 - CHEAPER) * champion.size_bytes
    found = (
        f"{challenger.latency_ms:.1f} ms beside {champion.latency_ms:.1f},"
        f" {challenger.size_bytes / 1e6:.0f} MB beside {champion.size_bytes / 1e6:.0f}"
    )
    return Check("faster or smaller", faster or smaller, found)


def _decided(
    mode: str, checks: list[Check], numbers: dict[str, float], needed: int | None
) -> Decision:
    return Decision(all(check.passed for check in checks), mode, tuple(checks), numbers, needed)
