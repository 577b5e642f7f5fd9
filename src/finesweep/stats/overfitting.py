"""When a run has begun to learn its train split by heart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from finesweep.records import Evaluation

RISE = 0.01
"""Of the lowest validation loss: a smaller rise is the noise of one more evaluation."""
EVALUATIONS = 2
"""So many after the lowest one: a single one that is higher proves nothing."""
TRAIN, VALIDATION = "train/loss", "validation/loss"


@dataclass(frozen=True)
class Overfitting:
    """A validation loss that rose while the train loss went on falling."""

    since: Evaluation
    """With the lowest validation loss."""
    last: Evaluation

    def __str__(self) -> str:
        told = [
            f"{name} {word} from {self.since.metrics[name]:.4f} to {self.last.metrics[name]:.4f}"
            for name, word in ((VALIDATION, "rose"), (TRAIN, "fell"))
        ]
        return f"after epoch {self.since.epoch:g} {told[0]} while {told[1]}"


def overfitting(evaluations: Sequence[Evaluation]) -> Overfitting | None:
    """Where validation and train loss part, of one run's evaluations in order; None where not.

    They part when the mean of the validation losses after the lowest one, and the last of them, lie
    at least RISE above it, while the train loss ends below where it was.
    """
    known = [each for each in evaluations if VALIDATION in each.metrics and TRAIN in each.metrics]
    if not known:
        return None
    lowest = min(range(len(known)), key=lambda k: known[k].metrics[VALIDATION])
    since, after = known[lowest], known[lowest + 1 :]
    if len(after) < EVALUATIONS:
        return None
    last, bound = after[-1], (1 + RISE) * since.metrics[VALIDATION]
    mean = sum(each.metrics[VALIDATION] for each in after) / len(after)
    rises = min(mean, last.metrics[VALIDATION]) >= bound
    falls = last.metrics[TRAIN] < since.metrics[TRAIN]
    return Overfitting(since, last) if rises and falls else None
