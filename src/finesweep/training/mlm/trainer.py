"""Trainer for masked language models, which decodes only the masked tokens."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch.optim.lr_scheduler import LambdaLR
from transformers import (
    PrinterCallback,
    Trainer,
    TrainerCallback,
    TrainerControl,
    TrainerState,
)

from finesweep.errors import NonFiniteError
from finesweep.ledger import TimeLedger
from finesweep.model import decode_masked_only
from finesweep.records import Evaluation
from finesweep.training.callback import OnEvaluation, OnStep
from finesweep.training.checkpoint.rng_state import preserve_rng_state
from finesweep.training.mlm.masking import IGNORED, masked_loss
from finesweep.training.optimization.learning_rate import scheduler_of
from finesweep.training.optimization.param_groups import split_by_layer
from finesweep.training.schedule import Schedule


class MaskedTrainer(Trainer):  # type: ignore[misc]  # transformers has no types
    """Evaluates on schedule, the first time before training. Exceptions from callbacks pass
    through."""

    def __init__(
        self,
        schedule: Schedule,
        *,
        on_evaluation: OnEvaluation,
        on_step: OnStep,
        ledger: TimeLedger,
        scheduler: str = "linear",
        layer_decay: float = 1.0,
        **kwargs: Any,
    ) -> None:
        """scheduler and layer_decay: as in TrainingConfig."""
        self.scheduler, self.layer_decay = scheduler, layer_decay
        self.schedule, self.on_evaluation, self.ledger = schedule, on_evaluation, ledger
        self.evaluations: list[Evaluation] = []
        self._training, self._validation = _Mean(), _Mean()
        clock = _Clock(schedule, on_step)
        super().__init__(compute_loss_func=masked_loss, callbacks=[clock], **kwargs)
        self.remove_callback(PrinterCallback)
        self.args.eval_on_start = True

    def create_optimizer(self, model: Any = None) -> torch.optim.Optimizer:
        optimizer: torch.optim.Optimizer = super().create_optimizer(model)
        split_by_layer(optimizer, self.model, decay=self.layer_decay)
        return optimizer

    def create_scheduler(
        self, num_training_steps: int, optimizer: torch.optim.Optimizer | None = None
    ) -> LambdaLR:
        return scheduler_of(self, num_training_steps, optimizer, scheduler=self.scheduler)

    def compute_loss(self, model: Any, inputs: dict[str, Any], *args: Any, **kwargs: Any) -> Any:
        with decode_masked_only(self.model, inputs["labels"] != IGNORED):
            return super().compute_loss(model, inputs, *args, **kwargs)

    def training_step(self, model: Any, inputs: dict[str, Any], *args: Any) -> torch.Tensor:
        self.ledger.count_batch(len(inputs["labels"]), int(inputs["attention_mask"].sum()))
        loss: torch.Tensor = super().training_step(model, inputs, *args)
        # With accumulation each batch's loss is already divided by the number of batches in a step.
        self._training.add(_finite(loss, "training"), 1 / self.current_gradient_accumulation_steps)
        return loss

    def prediction_step(self, model: Any, inputs: dict[str, Any], *args: Any, **kwargs: Any) -> Any:
        n_masked = int((inputs["labels"] != IGNORED).sum())
        loss, _, _ = super().prediction_step(model, inputs, prediction_loss_only=True)
        # Weighted by tokens: a mean of batch means would overweight sparsely masked batches.
        self._validation.add(_finite(loss, "validation") * n_masked, n_masked)
        return loss, None, None

    def evaluate(self, *args: Any, **kwargs: Any) -> dict[str, float]:
        """Trainer's metrics; preserves the RNG state, so that training does not depend on the
        number of evaluations."""
        with preserve_rng_state(), self.ledger.on("evaluating"):
            metrics: dict[str, float] = super().evaluate(*args, **kwargs)
        step = self.schedule.latest_due(self.schedule.examples_seen(self.state.global_step))
        loss = self._validation.pop()
        values = {"validation/loss": loss, "validation/perplexity": perplexity(loss)}
        if step:
            values["train/loss"] = self._training.pop()
        evaluation = Evaluation(step, step / self.schedule.train_rows, values)
        self.evaluations.append(evaluation)
        self.on_evaluation(evaluation)
        return metrics


def perplexity(loss: float) -> float:
    """exp(loss), for a mean loss per token in nats; infinity when a float cannot hold it."""
    return math.exp(loss) if loss < 700 else math.inf


def _finite(loss: torch.Tensor, name: str) -> float:
    value = loss.item()
    if not math.isfinite(value):
        raise NonFiniteError(f"the {name} loss became {value}")
    return value


class _Mean:
    """A weighted mean of the values added since the last `pop`."""

    def __init__(self) -> None:
        self.total, self.weight = 0.0, 0.0

    def add(self, value: float, weight: float) -> None:
        self.total, self.weight = self.total + value, self.weight + weight

    def pop(self) -> float:
        mean = self.total / self.weight
        self.total, self.weight = 0.0, 0.0
        return mean


class _Clock(TrainerCallback):  # type: ignore[misc]  # transformers has no types
    """Calls on_step after each step, and requests the evaluations that are due."""

    def __init__(self, schedule: Schedule, on_step: OnStep) -> None:
        self.schedule, self.on_step = schedule, on_step
        self.evaluated = 0

    def on_step_end(
        self, args: Any, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        examples_seen = self.schedule.examples_seen(state.global_step)
        self.on_step(examples_seen, self.schedule.total)
        reached = self.schedule.latest_due(examples_seen)
        control.should_evaluate |= reached > self.evaluated
        self.evaluated = reached
