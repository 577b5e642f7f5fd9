"""Private methods of Trainer that finesweep overrides, as hooks with public names.

`tests/contract/test_private_names.py` lists them all, since a release that no longer calls an
override would ignore it silently.
"""

from __future__ import annotations

from typing import Any

from torch.utils.data import Sampler
from transformers import Trainer

from finesweep.training.token_split import TokenSplit


class HookedTrainer(Trainer):  # type: ignore[misc]  # transformers has no types
    """Trainer with hooks for the order of rows, the inputs of a batch and resuming.

    Resuming is Trainer's own: it skips the batches already seen and calls the restore hooks at the
    right moments; only the saved state is ours.
    """

    def train_sampler(self, split: TokenSplit) -> Sampler[int]:
        """The rows of a training split in the order of one epoch."""
        raise NotImplementedError

    def evaluation_sampler(self, split: TokenSplit) -> Sampler[int]:
        """The rows of a split in evaluation order."""
        raise NotImplementedError

    def begin_epoch(self, epoch: int) -> None:
        """Called before an epoch's rows are drawn; epoch counts from 0."""

    def model_inputs(self, batch: dict[str, Any]) -> dict[str, Any]:
        """The model's inputs from a batch, which is on its device and may be modified."""
        return batch

    def restore_weights(self) -> None:
        """Loads the saved weights into the model, before the optimizer is created."""
        raise NotImplementedError

    def restore_optimizer(self) -> None:
        """Loads the saved states of the optimizer and the scheduler."""
        raise NotImplementedError

    def restore_scaler(self) -> None:
        """Loads the saved state of fp16's gradient scaler, if there is one."""
        raise NotImplementedError

    def restore_rng_state(self) -> None:
        """Sets the saved state of the random number generators, after batches were skipped."""
        raise NotImplementedError

    def _get_train_sampler(self, train_dataset: TokenSplit | None = None) -> Sampler[int]:
        return self.train_sampler(self.train_dataset if train_dataset is None else train_dataset)

    def _get_eval_sampler(self, eval_dataset: TokenSplit) -> Sampler[int]:
        return self.evaluation_sampler(eval_dataset)

    def _prepare_inputs(self, inputs: dict[str, Any]) -> dict[str, Any]:
        return self.model_inputs(super()._prepare_inputs(inputs))

    def _run_epoch(self, *args: Any, **kwargs: Any) -> None:
        # Trainer checks this only after a step, but an evaluation at the start may end training.
        if not self.control.should_training_stop:
            self.begin_epoch(kwargs["epoch"])
            super()._run_epoch(*args, **kwargs)

    def _load_from_checkpoint(self, *args: Any, **kwargs: Any) -> None:
        self.restore_weights()

    def _load_optimizer_and_scheduler(self, checkpoint: str | None) -> None:
        if checkpoint is not None:
            self.restore_optimizer()

    def _load_scaler(self, checkpoint: str | None) -> None:
        if checkpoint is not None:
            self.restore_scaler()

    def _load_rng_state(self, checkpoint: str | None) -> None:
        if checkpoint is not None:
            self.restore_rng_state()
