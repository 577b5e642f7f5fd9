"""The records of the registry: what is compared, by which rule, and what was decided."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Registered:
    """One version of one registered model."""

    name: str
    version: str
    alias: str
    model_uri: str
    """The LoggedModel that the version was made from."""


@dataclass(frozen=True)
class Scored:
    """One model version on the rows of one test set: what a promotion compares."""

    version: str
    fingerprint: str
    """SHA-256 of the test rows, their labels and the names of these."""
    label_names: tuple[str, ...]
    """C names, in the order of the label ids."""
    labels: np.ndarray
    """The truth: [N] int64, or [N, C] of 0 and 1 where a text may have several labels."""
    guesses: np.ndarray
    """What the model answers, in the same shape."""
    metrics: Mapping[str, float]
    """`test/name` → value."""
    latency_ms: float
    """Median for one text."""
    size_bytes: int
    """The size of the weights on disk."""


@dataclass(frozen=True)
class Requirements:
    """What every champion must reach, whatever it is compared with."""

    minimum: Mapping[str, float]
    """`test/name` → least value."""
    latency_ms: float | None
    """Greatest median for one text."""
    recall_loss: float | None
    """How much recall no class may lose against the champion, in [0, 1]."""


@dataclass(frozen=True)
class Check:
    """One condition of a promotion, and what was found."""

    name: str
    passed: bool
    found: str


@dataclass(frozen=True)
class Decision:
    """The outcome of a promotion: whether a challenger becomes champion, and why."""

    promoted: bool
    mode: str
    checks: tuple[Check, ...]
    numbers: Mapping[str, float]
    """What the comparison rests on; empty where there is no champion yet."""
    rows_needed: int | None
    """Test rows with which it would likely be promoted, where more would decide it."""
