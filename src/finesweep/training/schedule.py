"""When to evaluate: at nominal steps, independent of the batch size."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace

from finesweep.records import Evaluation


@dataclass(frozen=True)
class Schedule:
    """The lengths of one training run, all in training examples seen."""

    train_rows: int
    epochs: int
    evaluations_per_epoch: int
    examples_per_step: int
    """Batch size times accumulation, on any number of devices; an epoch's last step may have
    fewer."""

    @property
    def total(self) -> int:
        return self.train_rows * self.epochs

    @property
    def evaluation_steps(self) -> list[int]:
        """The k-th evaluation is due at round(k * train_rows / evaluations_per_epoch)."""
        rows, per_epoch = self.train_rows, self.evaluations_per_epoch
        due = (round(k * rows / per_epoch) for k in range(1, self.epochs * per_epoch + 1))
        return sorted({step for step in due if step > 0})

    def latest_due(self, examples_seen: int) -> int:
        """The latest evaluation step that is due after examples_seen examples; 0 when none is."""
        return max((step for step in self.evaluation_steps if step <= examples_seen), default=0)

    def examples_at(self, step: int) -> int:
        """Examples seen at the first optimizer step that reaches an evaluation step."""
        epoch, before = divmod(step - 1, self.train_rows)
        steps = math.ceil((before + 1) / self.examples_per_step)
        return epoch * self.train_rows + min(steps * self.examples_per_step, self.train_rows)

    def at_examples_seen(self, evaluations: Iterable[Evaluation]) -> list[Evaluation]:
        """The evaluations with the examples actually seen as their step, for people.

        One optimizer step may reach several evaluation steps; that was one evaluation.
        """
        distinct = {self.examples_at(each.step): each for each in evaluations}
        return [replace(e, step=n, epoch=n / self.train_rows) for n, e in distinct.items()]

    def ends_epoch(self, step: int) -> bool:
        """Whether this step ends an epoch: such evaluations always use the whole split."""
        return step % self.train_rows == 0

    def examples_seen(self, optimizer_steps: int) -> int:
        """Examples seen after a number of optimizer steps; epochs do not share a step."""
        steps_per_epoch = math.ceil(self.train_rows / self.examples_per_step)
        epochs, steps = divmod(optimizer_steps, steps_per_epoch)
        return epochs * self.train_rows + steps * self.examples_per_step
