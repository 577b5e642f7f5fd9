"""Detection of overfitting from a run's evaluations."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from finesweep.records import Evaluation

RISE = 0.01
"""Relative rise over the lowest validation loss; less is noise."""
EVALUATIONS = 2
"""Evaluations needed after the lowest one; a single higher one proves nothing."""
TRAIN, VALIDATION = "train/loss", "validation/loss"


@dataclass(frozen=True)
class Overfitting:
    """A validation loss that rose while the train loss fell."""

    since: Evaluation
    """The evaluation with the lowest validation loss."""
    last: Evaluation

    def __str__(self) -> str:
        changes = [
            f"{name} {word} from {self.since.metrics[name]:.4f} to {self.last.metrics[name]:.4f}"
            for name, word in ((VALIDATION, "rose"), (TRAIN, "fell"))
        ]
        return f"after epoch {self.since.epoch:g} {changes[0]} while {changes[1]}"


def overfitting(evaluations: Sequence[Evaluation]) -> Overfitting | None:
    """Overfitting of one run, whose evaluations are in order; None if there is none.

    A run overfits if the mean of the validation losses after the lowest, and the last of them, are
    at least RISE above it, while the train loss ends lower than it was there.
    """
    measured = [
        each for each in evaluations if VALIDATION in each.metrics and TRAIN in each.metrics
    ]
    if not measured:
        return None
    lowest = min(range(len(measured)), key=lambda k: measured[k].metrics[VALIDATION])
    since, after = measured[lowest], measured[lowest + 1 :]
    if len(after) < EVALUATIONS:
        return None
    last, bound = after[-1], (1 + RISE) * since.metrics[VALIDATION]
    mean = sum(each.metrics[VALIDATION] for each in after) / len(after)
    rises = min(mean, last.metrics[VALIDATION]) >= bound
    falls = last.metrics[TRAIN] < since.metrics[TRAIN]
    return Overfitting(since, last) if rises and falls else None
