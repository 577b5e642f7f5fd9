"""Whether a run that was trained again equals its original: bit for bit, within noise, or not."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

from finesweep.runs.recorded import RecordedRun
from finesweep.wording import counted

Verdict = Literal["equal", "within noise", "differs"]
Evaluations = Mapping[int, Mapping[str, float]]
"""Training examples seen → `split/name` → value."""
JUDGED = (
    "loss", "accuracy", "f1", "precision", "recall", "mcc", "brier", "roc_auc", "average_precision",
)  # fmt: skip
"""Validation scores that must stay within the noise. Not the calibration error: its bootstrap
interval is biased upwards."""
IDENTITY = ("data", "starting weights", "teacher")
"""Inputs without which it is another experiment, however near its scores are."""


@dataclass(frozen=True)
class Input:
    """One thing besides the settings that a result depends on."""

    name: str
    recorded: str | None
    """None where the original did not record it."""
    now: str | None

    @property
    def changed(self) -> bool:
        return None not in (self.recorded, self.now) and self.recorded != self.now


@dataclass(frozen=True)
class Reproduction:
    """A run that was trained again, and how its result compares."""

    original: str
    """The original's run id."""
    run_id: str
    """The repeated run, of kind `reproduce`."""
    verdict: Verdict
    reasons: tuple[str, ...]
    """Sentences: what was compared, by which rule, and the first difference."""
    scores: Mapping[str, tuple[float, float]]
    """`validation/name` → the original's and the repeated run's at their best checkpoints."""
    inputs: tuple[Input, ...]
    notes: tuple[str, ...]
    """Sentences about what was not repeated, or was done in another way."""

    @property
    def changed(self) -> tuple[str, ...]:
        """Names of the inputs that have changed."""
        return tuple(each.name for each in self.inputs if each.changed)


def inputs_of(original: RecordedRun, repeated: RecordedRun) -> tuple[Input, ...]:
    """Every input that either run recorded."""
    then, now = original.inputs, repeated.inputs
    return tuple(Input(name, then.get(name), now.get(name)) for name in {**then, **now})


def compare_repeated(
    original: RecordedRun,
    repeated: RecordedRun,
    *,
    metric: str,
    deviation: float | None,
    notes: tuple[str, ...] = (),
) -> Reproduction:
    """The comparison of a finished run with its original.

    Equal: all scores at every evaluation, and the validation rows' probabilities if both have them.
    Within noise, with the same data and starting weights: every judged score is within the
    original's 95 % interval over validation rows; metric instead differs by at most deviation, one
    standard deviation between the seeds of the sweep's confirmation, where there is one.
    """
    inputs = inputs_of(original, repeated)
    shared = original.scores.keys() & repeated.scores.keys()
    scores = {
        name: (original.scores[name], repeated.scores[name])
        for name in original.scores
        if name in shared and name.startswith("validation/")
    }
    verdict, reasons = _judge(original, repeated, scores, inputs, metric, deviation)
    return Reproduction(
        original.run_id, repeated.run_id, verdict, tuple(reasons), scores, inputs, notes
    )


def _judge(
    original: RecordedRun,
    repeated: RecordedRun,
    scores: Mapping[str, tuple[float, float]],
    inputs: tuple[Input, ...],
    metric: str,
    deviation: float | None,
) -> tuple[Verdict, list[str]]:
    other = [each.name for each in inputs if each.changed and each.name in IDENTITY]
    first = first_difference(original.evaluations, repeated.evaluations)
    has_rows, rows_differ = _compare_rows(original, repeated)
    if not (first or rows_differ or other):
        what = f"the scores of {counted(len(original.evaluations), 'evaluation')}"
        what += " and the probabilities of all validation rows" if has_rows else ""
        return "equal", [f"Equal bit for bit: {what}."]
    reasons = [f"The first difference: {first}."] if first else []
    if rows_differ:
        reasons.append("The probabilities of the validation rows differ.")
    if other:
        another = f"With other {' and '.join(other)} it is another experiment."
        return "differs", [another, *reasons]
    intervals = original.intervals("validation")
    if not intervals:
        why = "The original has no predictions, and so no intervals to be within."
        return "differs", [*reasons, why]
    outside = list(_outside(scores, intervals, metric, deviation))
    if outside:
        return "differs", [*reasons, *outside]
    return "within noise", [*reasons, _rule(scores, metric, deviation)]


def first_difference(then: Evaluations, now: Evaluations) -> str | None:
    """The first evaluation with another score, in words; None when all are equal."""
    for step in sorted(then.keys() | now.keys()):
        if step not in then or step not in now:
            when = "only then" if step in then else "only now"
            return f"an evaluation after {step:,} examples {when}"
        for name in sorted(then[step].keys() & now[step].keys()):
            if then[step][name] != now[step][name]:
                values = f"{then[step][name]!r}, now {now[step][name]!r}"
                return f"{name} after {step:,} examples was {values}"
    return None


def _compare_rows(original: RecordedRun, repeated: RecordedRun) -> tuple[bool, bool]:
    """Whether both have predictions, and whether these differ in any bit."""
    left, right = (run.predictions("validation") for run in (original, repeated))
    if left is None or right is None:
        return False, False
    same = np.array_equal(left.probabilities, right.probabilities)
    return True, not same


def _outside(
    scores: Mapping[str, tuple[float, float]],
    intervals: Mapping[str, tuple[float, float]],
    metric: str,
    deviation: float | None,
) -> Iterator[str]:
    """A sentence for each judged score that noise does not explain."""
    for name, (then, now) in scores.items():
        if name == metric and deviation is not None:
            if abs(now - then) > deviation:
                yield (
                    f"{name} was {then:.4f}, now {now:.4f}: more than one standard deviation"
                    f" between seeds ({deviation:.4f})."
                )
        elif name in intervals and name.partition("/")[2] in JUDGED:
            low, high = intervals[name]
            if not low <= now <= high:
                interval = f"{low:.4f} … {high:.4f}"
                yield f"{name} was {then:.4f} ({interval}), now {now:.4f}: outside its interval."


def _rule(scores: Mapping[str, tuple[float, float]], metric: str, deviation: float | None) -> str:
    others = "Every score is within its 95 % interval over validation rows."
    if deviation is None or metric not in scores:
        return others
    then, now = scores[metric]
    return (
        f"{metric} differs by {abs(now - then):.2g}, at most one standard deviation between the"
        f" seeds of the confirmation ({deviation:.2g}); every other score is within its 95 %"
        " interval over validation rows."
    )
