"""The comparisons of a finished sweep, as its study keeps them: models with each other, and the
winner with the baseline."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Contender:
    """The best trial of one model, and what the model costs."""

    model: str
    trial: int
    n_trials: int
    """Finished trials of this model: its share of the budget."""
    latency_ms: float
    """Median for one text."""
    parameters: int


@dataclass(frozen=True)
class ModelComparison:
    """Two models' best on the same validation rows; differences are first minus second."""

    first: Contender
    second: Contender
    rows: int
    accuracies: tuple[float, float]
    n_gained: int
    """Rows that the first alone gets right."""
    n_lost: int
    """Rows that the second alone gets right."""
    p: float
    """p value of McNemar's exact two-sided test, adjusted by Holm for more than two models."""
    f1: tuple[float, float, float]
    """Difference of macro F1, with its 95 % interval."""
    loss: tuple[float, float, float]
    """Difference of the loss, with its 95 % interval."""


@dataclass(frozen=True)
class BaselineResult:
    """How TF-IDF with logistic regression did, and whether the winner beats it."""

    run_id: str
    validation_metrics: Mapping[str, float]
    """`validation/name` → value."""
    test_metrics: Mapping[str, float]
    seconds: float
    """The time that fitting took."""
    n_gained: int
    """Test rows that the winner alone gets right."""
    n_lost: int
    """Test rows that the baseline alone gets right."""
    p: float
    """p value of McNemar's exact one-sided test that the winner is right more often."""
    kinds: Sequence[str] = ("words",)
    """What its n-grams are made of: words, characters, or both."""


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
