"""Trainer, which goes on from a saved state without its own, pickled checkpoints."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from transformers import PrinterCallback, Trainer, TrainerState
from transformers.trainer import TRAINER_STATE_NAME

from finesweep.errors import FinesweepError
from finesweep.training.monitor import Monitor
from finesweep.training.progress import copy_weights
from finesweep.training.state import Tree
from finesweep.training.streams import set_streams, unmoved_streams


class ResumableTrainer(Trainer):  # type: ignore[misc]  # transformers has no types
    """Trainer, which shows every loss to the monitor, and whose evaluations draw no numbers.

    Resuming is Trainer's own: it skips the batches that were seen and calls `_load_*` at the right
    moments. Only what these methods read is ours, hence the overrides of private names.
    """

    def __init__(self, monitor: Monitor, **kwargs: Any) -> None:
        self.monitor = monitor
        super().__init__(compute_metrics=monitor.receive, callbacks=[monitor], **kwargs)
        self.remove_callback(PrinterCallback)
        self._saved: Tree = {}

    def train_on(self, saved: Tree | None) -> None:
        """Trains from the start, or on from a saved state, which is emptied to free its memory."""
        if saved is None:
            self.train()
            return
        self._saved = saved
        state = TrainerState(**saved.pop("trainer"))
        seen = self.monitor.schedule.seen(state.global_step)
        if saved["seen"] != seen:
            raise FinesweepError(
                f"the checkpoint has seen {saved['seen']} examples in {state.global_step} steps,"
                f" which are {seen} in this run"
            )
        # Trainer compares it with its own, which may be half as large now, and warns.
        state.train_batch_size = self._train_batch_size
        # A checkpoint may be older than the evaluation of its step, which is then made first.
        self.args.eval_on_start = self.monitor.is_evaluation_due(seen)
        # The one file that Trainer reads outside of the methods below.
        state.save_to_json(str(Path(self.args.output_dir) / TRAINER_STATE_NAME))
        self.train(resume_from_checkpoint=self.args.output_dir)

    def training_step(self, *args: Any, **kwargs: Any) -> torch.Tensor:
        loss: torch.Tensor = super().training_step(*args, **kwargs)
        self.monitor.watch_loss(loss)
        return loss

    def evaluate(self, *args: Any, **kwargs: Any) -> dict[str, float]:
        """Trainer's metrics; draws no random numbers, so that it can be made again on resume."""
        with unmoved_streams() as streams:
            self.monitor.streams_before_evaluation = streams
            metrics: dict[str, float] = super().evaluate(*args, **kwargs)
        self.monitor.streams_before_evaluation = None
        return metrics

    def _run_epoch(self, *args: Any, **kwargs: Any) -> None:
        # Trainer looks at it after a step only, and an evaluation at the start may have ended all.
        if not self.control.should_training_stop:
            super()._run_epoch(*args, **kwargs)

    def _load_from_checkpoint(self, *args: Any, **kwargs: Any) -> None:
        copy_weights(self._saved.pop("parameters"), self.model)

    def _load_optimizer_and_scheduler(self, checkpoint: str | None) -> None:
        if checkpoint is None:
            return
        optimizer = self._saved.pop("optimizer")
        # JSON has no integers as keys, and no tuples, which AdamW's betas are.
        optimizer["state"] = {int(index): state for index, state in optimizer["state"].items()}
        for group in optimizer["param_groups"]:
            group["betas"] = tuple(group["betas"])
        self.optimizer.load_state_dict(optimizer)
        self.lr_scheduler.load_state_dict(self._saved.pop("scheduler"))
        # The evaluation at the start comes before _load_rng_state, and may be checkpointed too.
        self._load_rng_state(checkpoint)

    def _load_scaler(self, checkpoint: str | None) -> None:
        if checkpoint is not None and self._saved["scaler"] is not None:
            self.accelerator.scaler.load_state_dict(self._saved["scaler"])

    def _load_rng_state(self, checkpoint: str | None) -> None:
        if checkpoint is not None:
            set_streams(self._saved["streams"])
