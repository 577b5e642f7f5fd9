"""Comparisons of a finished sweep, as stored in its study: between models, of the winner with the
baseline, and of its seeds combined with the best of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Contender:
    """The best trial of one model, and what the model costs."""

    model: str
    trial: int
    n_trials: int
    """Number of finished trials of this model."""
    latency_ms: float
    """Median latency for one text, in milliseconds."""
    parameters: int


@dataclass(frozen=True)
class ModelComparison:
    """Two models' best trials on the same validation rows; differences are first minus second."""

    first: Contender
    second: Contender
    rows: int
    accuracies: tuple[float, float]
    n_gained: int
    """Number of rows that only the first gets right."""
    n_lost: int
    """Number of rows that only the second gets right."""
    p: float
    """p value of McNemar's exact two-sided test, adjusted by Holm for more than two models."""
    f1: tuple[float, float, float]
    """Difference of macro F1 and its 95 % interval: (value, low, high)."""
    loss: tuple[float, float, float]
    """Difference of the loss and its 95 % interval: (value, low, high)."""


@dataclass(frozen=True)
class BaselineResult:
    """Result of TF-IDF with logistic regression, and whether the winner beats it."""

    run_id: str
    validation_metrics: Mapping[str, float]
    """`validation/name` → value."""
    test_metrics: Mapping[str, float]
    seconds: float
    """Fitting time in seconds."""
    n_gained: int
    """Number of test rows that only the winner gets right."""
    n_lost: int
    """Number of test rows that only the baseline gets right."""
    p: float
    """p value of McNemar's exact one-sided test that the winner is right more often."""
    kinds: Sequence[str] = ("words",)
    """Kinds of its n-grams: words, characters, or both."""


@dataclass(frozen=True)
class CombinationGain:
    """The winner's seeds combined, beside the best of them alone on the same rows."""

    way: str
    """uniform soup, greedy soup or ensemble."""
    n_members: int
    metric: str
    """The sweep's metric, by which it was chosen."""
    validation: tuple[float, float]
    """Its value combined and of the best seed."""
    best_seed_uid: str
    """UID of the best seed's run."""
    best_seed_metrics: Mapping[str, float]
    """`test/name` → value of the best seed."""
    n_gained: int
    """Number of test rows that only the combination gets right."""
    n_lost: int
    """Number of test rows that only the best seed gets right."""
    p: float
    """p value of McNemar's exact two-sided test."""
    latency_ms: tuple[float, float]
    """Median time for one text, in milliseconds, combined and of the best seed."""


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
