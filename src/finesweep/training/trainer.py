"""Trainer for texts: length-bucketed batches, cached activations, and runs that can be resumed."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.optim.lr_scheduler import LambdaLR
from torch.utils.data import Sampler
from transformers import PrinterCallback, TrainerState, TrainingArguments
from transformers.trainer import TRAINER_STATE_NAME
from transformers.trainer_utils import EvalLoopOutput, PredictionOutput

from finesweep.errors import FinesweepError
from finesweep.ledger import TimeLedger
from finesweep.model import known_padding
from finesweep.records import Predictions, Tokens
from finesweep.training.activation_cache import ActivationCache
from finesweep.training.batches import (
    GPU_MULTIPLE,
    N_TOKENS,
    ROW,
    Collator,
    GroupedByLength,
    SortedByLength,
)
from finesweep.training.callback import Monitor
from finesweep.training.checkpoint.checkpoint_file import Tree
from finesweep.training.checkpoint.rng_state import preserve_rng_state, set_rng_state
from finesweep.training.checkpoint.weights import copy_weights
from finesweep.training.distillation import TEACHER_LOGITS, Distillation
from finesweep.training.optimization.learning_rate import scheduler_of
from finesweep.training.optimization.param_groups import restored_groups, split_by_layer
from finesweep.training.ranks import ALONE, Ranks
from finesweep.training.ranks.shares import EqualShares
from finesweep.training.token_split import NO_ROW, TokenSplit
from finesweep.training.trainer_private import HookedTrainer
from finesweep.training.truncation import template_of


class TextTrainer(HookedTrainer):
    """Trainer over token splits; evaluations process the longest texts first and return predictions
    in data order."""

    def __init__(
        self,
        tokens: Tokens,
        *,
        args: TrainingArguments,
        batch_size: int | None = None,
        ranks: Ranks = ALONE,
        **kwargs: Any,
    ) -> None:
        """batch_size: of all ranks together; None is that of this one."""
        self.ranks, self.batch_size = ranks, batch_size or args.train_batch_size
        self._order: GroupedByLength | None = None
        multiple_of = GPU_MULTIPLE if args.device.type == "cuda" else 1
        collator = Collator(tokens.tokenizer, template_of(tokens), multiple_of=multiple_of)
        super().__init__(data_collator=collator, args=args, **kwargs)
        self.remove_callback(PrinterCallback)
        self._sorted_split: TokenSplit | None = None

    def evaluation_loop(self, *args: Any, **kwargs: Any) -> EvalLoopOutput:
        output = super().evaluation_loop(*args, **kwargs)
        unsort = self._sorted.unsort
        return output._replace(
            predictions=unsort(output.predictions), label_ids=unsort(output.label_ids)
        )

    def compute_loss(
        self, model: Any, inputs: dict[str, Any], return_outputs: bool = False, **kwargs: Any
    ) -> Any:
        """Trainer's loss, and of the outputs only the logits: Trainer would gather all others, such
        as encoder states."""
        loss, outputs = super().compute_loss(model, inputs, return_outputs=True, **kwargs)
        return (loss, {"logits": outputs["logits"]}) if return_outputs else loss

    def train_sampler(self, split: TokenSplit) -> Sampler[int]:
        # A step has the same rows with any number of accumulated batches, on any number of ranks.
        size = self.batch_size * self.args.gradient_accumulation_steps
        self._order = GroupedByLength(split.lengths, batch_size=size, seed=self.args.seed)
        n_rows, n_ranks = len(split), self.ranks.size
        if n_ranks == 1:
            return self._order
        return EqualShares(self._order, n_rows, batch_size=self.batch_size, n_ranks=n_ranks)

    def begin_epoch(self, epoch: int) -> None:
        # Of several ranks, neither Accelerate nor Trainer tells the sampler in a resumed epoch.
        if self._order is not None:
            self._order.set_epoch(epoch)

    def evaluation_sampler(self, split: TokenSplit) -> SortedByLength:
        # Once per split: there are many evaluations, and sorting is slow.
        if self._sorted_split is not split:
            self._sorted_split = split
            self._sorted = SortedByLength(split.lengths)
        return self._sorted

    def model_inputs(self, batch: dict[str, Any]) -> dict[str, Any]:
        del batch[ROW], batch[N_TOKENS]
        return batch

    def prediction_step(self, model: Any, inputs: dict[str, Any], *args: Any, **kwargs: Any) -> Any:
        with padding_of(inputs):
            return super().prediction_step(model, inputs, *args, **kwargs)


class ResumableTrainer(TextTrainer):
    """TextTrainer that reports losses to the monitor and preserves the RNG state in evaluations."""

    def __init__(
        self,
        monitor: Monitor,
        tokens: Tokens,
        *,
        activation_cache: ActivationCache | None,
        distillation: Distillation | None,
        ledger: TimeLedger,
        scheduler: str = "linear",
        layer_decay: float = 1.0,
        **kwargs: Any,
    ) -> None:
        """scheduler and layer_decay: as in TrainingConfig."""
        self.monitor, self.activation_cache, self.ledger = monitor, activation_cache, ledger
        self.scheduler, self.layer_decay = scheduler, layer_decay
        self.distillation = distillation
        # Without compute_metrics Trainer drops the logits; its return value is not used.
        super().__init__(
            tokens, compute_metrics=lambda predictions: {}, callbacks=[monitor], **kwargs
        )
        self._saved: Tree = {}

    def create_optimizer(self, model: Any = None) -> torch.optim.Optimizer:
        optimizer: torch.optim.Optimizer = super().create_optimizer(model)
        split_by_layer(optimizer, self.model, decay=self.layer_decay)
        return optimizer

    def create_scheduler(
        self, num_training_steps: int, optimizer: torch.optim.Optimizer | None = None
    ) -> LambdaLR:
        return scheduler_of(self, num_training_steps, optimizer, scheduler=self.scheduler)

    def train_on(self, saved: Tree | None) -> None:
        """Trains from the start, or resumes a saved state, which is emptied to free its memory."""
        if saved is None:
            self.train()
            return
        self._saved = saved
        state = TrainerState(**saved.pop("trainer"))
        examples_seen = self.monitor.schedule.examples_seen(state.global_step)
        if saved["seen"] != examples_seen:
            raise FinesweepError(
                f"the checkpoint has seen {saved['seen']} examples in {state.global_step} steps,"
                f" which are {examples_seen} in this run"
            )
        # Trainer warns if this differs from its own batch size, which may have been halved since.
        state.train_batch_size = self.args.train_batch_size
        # A checkpoint may precede the evaluation of its step, which then comes first.
        self.args.eval_on_start = self.monitor.is_evaluation_due(examples_seen)
        # The only file that Trainer reads outside the methods below.
        state.save_to_json(str(Path(self.args.output_dir) / TRAINER_STATE_NAME))
        self.train(resume_from_checkpoint=self.args.output_dir)

    def compute_loss(self, *args: Any, **kwargs: Any) -> Any:
        """The loss of this rank's share; ends on all ranks if it cannot be computed on one."""
        failure, computed = None, None
        try:
            computed = self._own_loss(*args, **kwargs)
        except Exception as error:
            failure = error
        self.ranks.check(failure)
        return computed

    def training_step(self, model: Any, inputs: dict[str, Any], *args: Any) -> torch.Tensor:
        mask, n_rows = inputs["attention_mask"], int((inputs[ROW] != NO_ROW).sum())
        n_rows, n_tokens, n_places = self.ranks.sum(n_rows, inputs[N_TOKENS], mask.numel())
        self.monitor.watch_padding(n_places=n_places, n_tokens=n_tokens)
        self.ledger.count_batch(n_rows, n_tokens)
        with self._above_frozen_layers(), padding_of(inputs):
            loss: torch.Tensor = super().training_step(model, inputs, *args)
        self.monitor.watch_loss(self.ranks.mean(loss), step=self.state.global_step + 1)
        return loss

    def _own_loss(
        self, model: Any, inputs: dict[str, Any], return_outputs: bool = False, **kwargs: Any
    ) -> Any:
        """The labels' own loss, in training mixed with the teacher's if there is one."""
        teacher_logits = inputs.pop(TEACHER_LOGITS, None)
        loss, outputs = super().compute_loss(model, inputs, return_outputs=True, **kwargs)
        if self.distillation is not None and teacher_logits is not None:
            n_items = kwargs.get("num_items_in_batch")
            loss = self.distillation.mixed(loss, outputs["logits"], teacher_logits, n_items)
        return (loss, outputs) if return_outputs else loss

    def prediction_step(self, *args: Any, **kwargs: Any) -> Any:
        with self._above_frozen_layers():
            return super().prediction_step(*args, **kwargs)

    def evaluate(self, *args: Any, **kwargs: Any) -> dict[str, float]:
        """Trainer's metrics; preserves the RNG state, so that a resumed run can repeat it."""
        examples_seen = self.monitor.schedule.examples_seen(self.state.global_step)
        if self.monitor.is_sample_enough(examples_seen):
            kwargs["eval_dataset"] = self._sample
        with preserve_rng_state() as rng_state, self.ledger.on("evaluating"):
            self.monitor.rng_state_before_evaluation = rng_state
            metrics: dict[str, float] = super().evaluate(*args, **kwargs)
        self.monitor.rng_state_before_evaluation = None
        return metrics

    @cached_property
    def _sample(self) -> TokenSplit:
        split: TokenSplit = self.eval_dataset
        assert self.monitor.sample is not None
        return split.select(self.monitor.sample)

    def evaluation_loop(self, *args: Any, **kwargs: Any) -> EvalLoopOutput:
        output = super().evaluation_loop(*args, **kwargs)
        self.monitor.receive(predictions_of(output))
        return output

    def model_inputs(self, batch: dict[str, Any]) -> dict[str, Any]:
        if self.distillation is not None and self.model.training:
            device = batch["input_ids"].device
            batch[TEACHER_LOGITS] = self.distillation.logits_of(batch[ROW], device)
        if self.activation_cache is None:
            return super().model_inputs(batch)
        split = "train" if self.model.training else "validation"
        batch[ROW] = torch.from_numpy(batch[ROW])
        with self.compute_loss_context_manager():
            inputs = self.activation_cache.load_states(batch, split, self.ledger)
        del inputs[N_TOKENS]
        return inputs

    def _above_frozen_layers(self) -> AbstractContextManager[None]:
        if self.activation_cache is None:
            return nullcontext()
        cache = self.activation_cache
        return cache.bypass.enter_at(cache.depth)  # model_inputs sets each batch's states

    def restore_weights(self) -> None:
        copy_weights(self._saved.pop("parameters"), self.model)

    def restore_optimizer(self) -> None:
        optimizer = self._saved.pop("optimizer")
        # JSON has neither integer keys nor tuples.
        optimizer["state"] = {int(index): state for index, state in optimizer["state"].items()}
        current = self.optimizer.param_groups
        optimizer["param_groups"] = restored_groups(optimizer["param_groups"], current)
        self.optimizer.load_state_dict(optimizer)
        self.lr_scheduler.load_state_dict(self._saved.pop("scheduler"))
        # The evaluation at the start precedes Trainer's own call, and may be checkpointed too.
        self.restore_rng_state()

    def restore_scaler(self) -> None:
        if self._saved["scaler"] is not None:
            self.accelerator.scaler.load_state_dict(self._saved["scaler"])

    def restore_rng_state(self) -> None:
        set_rng_state(self._saved["streams"])


def padding_of(batch: dict[str, Any]) -> AbstractContextManager[None]:
    """Within it a model knows, without reading the batch's mask, whether it has padding."""
    mask = batch["attention_mask"]
    return known_padding(mask.shape, is_padded=batch[N_TOKENS] < mask.numel())


def predictions_of(output: EvalLoopOutput | PredictionOutput) -> Predictions:
    """The predictions of a trainer's loop over a split; batches have several labels as floats."""
    return Predictions(output.predictions, output.label_ids.astype(np.int64))
