"""Trainer for texts: batches of like length, states from disk, and a run that can be resumed."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from functools import cached_property
from pathlib import Path
from typing import Any

import datasets
import numpy as np
import torch
from torch.optim.lr_scheduler import LambdaLR
from transformers import PrinterCallback, Trainer, TrainerState
from transformers.trainer import TRAINER_STATE_NAME
from transformers.trainer_utils import EvalLoopOutput, PredictionOutput

from finesweep.errors import FinesweepError
from finesweep.ledger import TimeLedger
from finesweep.records import Predictions, Tokens
from finesweep.training.activation_cache import Prefix
from finesweep.training.batches import ROW, Collator, GroupedByLength, SortedByLength
from finesweep.training.callback import Monitor
from finesweep.training.checkpoint_file import Tree
from finesweep.training.rng_state import set_streams, unmoved_streams
from finesweep.training.schedule import scheduler_of
from finesweep.training.training_state import copy_weights
from finesweep.training.truncation import template_of


class TextTrainer(Trainer):  # type: ignore[misc]  # transformers has no types
    """Trainer over token splits, whose evaluations take the longest texts first and whose
    predictions come in data order."""

    def __init__(self, tokens: Tokens, **kwargs: Any) -> None:
        self.template = template_of(tokens)
        super().__init__(data_collator=Collator(tokens.tokenizer, self.template), **kwargs)
        self.remove_callback(PrinterCallback)
        self._sorted_split: datasets.Dataset | None = None

    def evaluation_loop(self, *args: Any, **kwargs: Any) -> EvalLoopOutput:
        output = super().evaluation_loop(*args, **kwargs)
        restored = self._sorted.restored
        return output._replace(
            predictions=restored(output.predictions), label_ids=restored(output.label_ids)
        )

    def compute_loss(
        self, model: Any, inputs: dict[str, Any], return_outputs: bool = False, **kwargs: Any
    ) -> Any:
        """Trainer's; of the outputs logits alone, since it would gather all that a model hands out,
        such as an encoder's states beside a decoder's."""
        loss, outputs = super().compute_loss(model, inputs, return_outputs=True, **kwargs)
        return (loss, {"logits": outputs["logits"]}) if return_outputs else loss

    def _get_train_sampler(self, train_dataset: datasets.Dataset | None = None) -> GroupedByLength:
        lengths = self.template.lengths(
            self.train_dataset if train_dataset is None else train_dataset
        )
        # A step's rows are the same however many batches it is made of.
        size = self._train_batch_size * self.args.gradient_accumulation_steps
        return GroupedByLength(lengths, batch_size=size, seed=self.args.seed)

    def _get_eval_sampler(self, eval_dataset: datasets.Dataset) -> SortedByLength:
        # Once for each split: there are many evaluations, and reading all lengths takes its time.
        if self._sorted_split is not eval_dataset:
            self._sorted_split = eval_dataset
            self._sorted = SortedByLength(self.template.lengths(eval_dataset))
        return self._sorted

    def _prepare_inputs(self, inputs: dict[str, Any]) -> dict[str, Any]:
        prepared: dict[str, Any] = super()._prepare_inputs(inputs)
        prepared.pop(ROW)
        return prepared


class ResumableTrainer(TextTrainer):
    """TextTrainer, which shows every loss to the monitor, and whose evaluations draw no numbers.

    Resuming is Trainer's own: it skips the batches that were seen and calls `_load_*` at the right
    moments. Only what these methods read is ours, hence the overrides of private names.
    """

    def __init__(
        self,
        monitor: Monitor,
        tokens: Tokens,
        *,
        prefix: Prefix | None,
        ledger: TimeLedger,
        **kwargs: Any,
    ) -> None:
        self.monitor, self.prefix, self.ledger = monitor, prefix, ledger
        # Without it Trainer would keep no logits; what it returns is not looked at.
        super().__init__(tokens, compute_metrics=lambda made: {}, callbacks=[monitor], **kwargs)
        self._saved: Tree = {}

    def create_scheduler(
        self, num_training_steps: int, optimizer: torch.optim.Optimizer | None = None
    ) -> LambdaLR:
        return scheduler_of(self, num_training_steps, optimizer)

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

    def training_step(self, model: Any, inputs: dict[str, Any], *args: Any) -> torch.Tensor:
        mask = inputs["attention_mask"]
        self.monitor.watch_padding(mask)
        self.ledger.stepped(len(mask), int(mask.sum()))
        with self._above_the_prefix():
            loss: torch.Tensor = super().training_step(model, inputs, *args)
        self.monitor.watch_loss(loss)
        return loss

    def prediction_step(self, *args: Any, **kwargs: Any) -> Any:
        with self._above_the_prefix():
            return super().prediction_step(*args, **kwargs)

    def evaluate(self, *args: Any, **kwargs: Any) -> dict[str, float]:
        """Trainer's metrics; draws no random numbers, so that it can be made again on resume."""
        seen = self.monitor.schedule.seen(self.state.global_step)
        if self.monitor.is_sample_enough(seen):
            kwargs["eval_dataset"] = self._sample
        with unmoved_streams() as streams, self.ledger.on("evaluating"):
            self.monitor.streams_before_evaluation = streams
            metrics: dict[str, float] = super().evaluate(*args, **kwargs)
        self.monitor.streams_before_evaluation = None
        return metrics

    @cached_property
    def _sample(self) -> datasets.Dataset:
        return self.eval_dataset.select(self.monitor.sample)

    def evaluation_loop(self, *args: Any, **kwargs: Any) -> EvalLoopOutput:
        output = super().evaluation_loop(*args, **kwargs)
        self.monitor.receive(predictions_of(output))
        return output

    def _prepare_inputs(self, inputs: dict[str, Any]) -> dict[str, Any]:
        if self.prefix is None:
            return super()._prepare_inputs(inputs)
        split = "train" if self.model.training else "validation"
        with self.compute_loss_context_manager():
            return self.prefix.replaced(Trainer._prepare_inputs(self, inputs), split, self.ledger)

    def _above_the_prefix(self) -> AbstractContextManager[None]:
        if self.prefix is None:
            return nullcontext()
        return self.prefix.bypass.entered(self.prefix.depth)  # with the states of each batch

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


def predictions_of(output: EvalLoopOutput | PredictionOutput) -> Predictions:
    """What a trainer's loop over a split has found; its batches hold several labels as floats."""
    return Predictions(output.predictions, output.label_ids.astype(np.int64))
