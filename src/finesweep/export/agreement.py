"""How far two forms of one model agree on the same texts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from finesweep.errors import FinesweepError
from finesweep.prediction import Classifier
from finesweep.stats.calibration import apply_thresholds

FP32_TOLERANCE = 1e-4
"""Largest difference of a probability between two forms in float32: a thousand times what rounding
does in a small model, and a hundredth of what anybody notices."""
EVERY = 25
"""Every so many rows one is also predicted alone: a graph can be wrong for other numbers of rows.
"""


@dataclass(frozen=True)
class Agreement:
    """The comparison of an exported model with its original."""

    n_rows: int
    n_tokens: int
    """The longest input, in tokens."""
    difference: float
    """Largest absolute difference of a probability."""
    n_changed: int
    """Number of rows whose predicted label, or one of whose labels, differs."""


def compare(original: Classifier, exported: Classifier, texts: Sequence[str]) -> Agreement:
    """The agreement on texts; joined pairs if the models read pairs."""
    rule = original.decision_rule
    before, after = original.probabilities(texts), exported.probabilities(texts)
    alone = np.concatenate([exported.probabilities([text]) for text in texts[::EVERY]])
    differences = [np.abs(after - before), np.abs(alone - before[::EVERY])]
    changed = apply_thresholds(before, rule) != apply_thresholds(after, rule)
    counts = [min(count, original.max_length) for count in _counts(original, texts)]
    return Agreement(
        n_rows=len(texts),
        n_tokens=max(counts),
        difference=max(float(each.max()) for each in differences),
        n_changed=int(changed.reshape(len(texts), -1).any(axis=1).sum()),
    )


def require_equal(agreement: Agreement, *, tolerance: float = FP32_TOLERANCE) -> None:
    """FinesweepError when the difference exceeds the tolerance, or is not a number."""
    if not agreement.difference <= tolerance:
        raise FinesweepError(
            f"the exported model predicts otherwise: probabilities differ by up to"
            f" {agreement.difference:.2g} on {agreement.n_rows} rows, permitted {tolerance:g};"
            " nothing was written"
        )


def _counts(classifier: Classifier, texts: Sequence[str]) -> list[int]:
    from finesweep.prediction.lengths import token_counts

    return token_counts(classifier, texts)
