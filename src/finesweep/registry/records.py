"""Records of the registry: versions, their scores, requirements, and decisions."""

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
    """One model version's predictions and scores on a test set; a promotion compares two."""

    version: str
    fingerprint: str
    """SHA-256 of the test rows, their labels and the label names."""
    label_names: tuple[str, ...]
    """C names, in the order of the label ids."""
    labels: np.ndarray
    """True labels: [N] int64, or [N, C] of 0 and 1 where a text may have several labels."""
    predicted: np.ndarray
    """The model's predictions, in the same shape."""
    metrics: Mapping[str, float]
    """`test/name` → value."""
    latency_ms: float
    """Median latency for one text, in milliseconds."""
    size_bytes: int
    """Size of the weights on disk, in bytes."""


@dataclass(frozen=True)
class Requirements:
    """Minimum requirements for every champion, whatever it is compared with."""

    minimum: Mapping[str, float]
    """`test/name` → minimum value."""
    latency_ms: float | None
    """Maximum median latency for one text, in milliseconds."""
    recall_loss: float | None
    """Maximum loss of recall of any class against the champion, in [0, 1]."""


@dataclass(frozen=True)
class Check:
    """One condition of a promotion, and the finding in words."""

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
    """Figures of the comparison; empty when there is no champion yet."""
    rows_needed: int | None
    """Number of test rows with which it would likely be promoted; None when more rows do not
    help."""
