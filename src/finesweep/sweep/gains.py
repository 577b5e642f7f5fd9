"""What combining the winner's seeds gained, in sentences and as metrics."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from finesweep.records import Finalist
from finesweep.stats.metric_names import better_direction
from finesweep.sweep.comparisons import CombinationGain
from finesweep.wording import counted, counted_rows

TESTED = ("test/accuracy", "test/loss")
SLOWER = 1.5
"""Ratio of latencies from which a combination is called slower: a soup has the size of a seed."""


def combination_gain(finalist: Finalist) -> list[str]:
    """Sentences on what the combination gains on validation and on test, and what it costs; none
    for a single model."""
    gain = _gain_of(finalist)
    if gain is None:
        return []
    combined, single = gain.validation
    lines = [
        f"{gain.way} of {counted(gain.n_members, 'seed')}: {gain.metric} {combined:.4f},"
        f" {_difference(gain.metric, combined, single)} the best seed's {single:.4f}"
    ]
    tested = [
        f"{name} {_difference(name, finalist.test_metrics[name], value)} its {value:.4f}"
        for name in TESTED
        if (value := gain.best_seed_metrics.get(name)) is not None and name in finalist.test_metrics
    ]
    lines.append(
        f"against the best seed on the same test rows: {', '.join(tested)}; right on"
        f" {counted_rows(gain.n_gained)} that it gets wrong, wrong on {gain.n_lost:,} that it gets"
        f" right (p {gain.p:.2g})"
    )
    combined, single = gain.latency_ms
    if combined > SLOWER * single:
        lines.append(f"one text takes {combined:.1f} ms, {single:.1f} ms by the best seed")
    return lines


def combination_tried(tried: Mapping[str, Any], metric: str) -> str:
    """The fields of a Combination in a sentence: what was tried on validation and is best."""
    values = ", ".join(f"{way} {value:.4f}" for way, value in tried["values"].items())
    reasons = "; ".join(tried["omissions"])
    if not values:
        return f"the winner's seeds were not combined: {reasons}"
    best = tried["chosen"]
    seeds = f" of {counted(len(tried['members']), 'seed')}" if len(tried["members"]) > 1 else ""
    line = f"seeds combined, by {metric}: {values}; best: {best}{seeds}"
    return f"{line} ({reasons})" if reasons else line


def gains(finalist: Finalist) -> dict[str, float]:
    """`combined_gain/split/name` → gain over the best seed, positive where it is better; empty for
    a single model."""
    gain = _gain_of(finalist)
    if gain is None:
        return {}
    pairs = {gain.metric: gain.validation} | {
        name: (finalist.test_metrics[name], value)
        for name, value in gain.best_seed_metrics.items()
        if name in TESTED and name in finalist.test_metrics
    }
    return {f"combined_gain/{name}": _better_by(name, *pair) for name, pair in pairs.items()}


def _gain_of(finalist: Finalist) -> CombinationGain | None:
    return None if finalist.combined is None else CombinationGain(**finalist.combined)


def _better_by(metric: str, value: float, other: float) -> float:
    return value - other if better_direction(metric) == "maximize" else other - value


def _difference(metric: str, value: float, other: float) -> str:
    gain = _better_by(metric, value, other)
    return f"{abs(gain):.4f} {'better' if gain >= 0 else 'worse'} than"
