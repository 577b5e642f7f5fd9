"""When to evaluate: at nominal steps, in examples seen, that no batch size moves."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Schedule:
    """The lengths of one training run, all in training examples seen."""

    train_rows: int
    epochs: int
    evaluations_per_epoch: int
    examples_per_step: int
    """Batch size times accumulation; an epoch's last step may hold fewer."""

    @property
    def total(self) -> int:
        return self.train_rows * self.epochs

    @property
    def evaluation_steps(self) -> list[int]:
        """The k-th evaluation is due at round(k * train_rows / evaluations_per_epoch)."""
        rows, per_epoch = self.train_rows, self.evaluations_per_epoch
        due = (round(k * rows / per_epoch) for k in range(1, self.epochs * per_epoch + 1))
        return sorted({step for step in due if step > 0})

    def reached(self, seen: int) -> int:
        """The latest evaluation step that is due after so many examples; 0 when none is."""
        return max((step for step in self.evaluation_steps if step <= seen), default=0)

    def is_whole(self, step: int) -> bool:
        """Whether an evaluation due at this step takes the whole split although others do not."""
        return step % self.train_rows == 0

    def seen(self, optimizer_steps: int) -> int:
        """Examples seen after so many optimizer steps; epochs do not share a step."""
        steps_per_epoch = math.ceil(self.train_rows / self.examples_per_step)
        epochs, steps = divmod(optimizer_steps, steps_per_epoch)
        return epochs * self.train_rows + steps * self.examples_per_step
