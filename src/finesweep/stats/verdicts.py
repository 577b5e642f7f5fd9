"""The verdict of a model comparison, in one sentence."""

from __future__ import annotations

from finesweep.records import ModelComparison


def verdict(comparison: ModelComparison, *, alpha: float = 0.05) -> str:
    """One sentence: which model is better, if the difference is significant, and which is
    faster."""
    first, second = comparison.first, comparison.second
    ratio = first.latency_ms / second.latency_ms
    faster, slower, times = (
        (second.model, first.model, ratio) if ratio >= 1 else (first.model, second.model, 1 / ratio)
    )
    cost = f"{faster} is {times:.1f} times as fast as {slower}"
    rows = f"on the same {comparison.rows:,} validation rows (p {comparison.p:.2g})"
    if comparison.p > alpha:
        return f"{first.model} and {second.model} do not differ significantly {rows}; {cost}."
    gained = comparison.n_gained > comparison.n_lost
    better, worse = (first, second) if gained else (second, first)
    return f"{better.model} is right more often than {worse.model} {rows}; {cost}."
