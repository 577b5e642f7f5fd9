"""Trainer for masked language models: it decodes what is to be guessed alone, and measures it."""

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
from finesweep.training.mlm.masking import IGNORED, masked_loss
from finesweep.training.rng_state import unmoved_streams
from finesweep.training.schedule import Schedule, scheduler_of


class MaskedTrainer(Trainer):  # type: ignore[misc]  # transformers has no types
    """Evaluates on schedule, the first time before training. What the callbacks raise passes
    through."""

    def __init__(
        self,
        schedule: Schedule,
        *,
        on_evaluation: OnEvaluation,
        on_step: OnStep,
        ledger: TimeLedger,
        **kwargs: Any,
    ) -> None:
        self.schedule, self.on_evaluation, self.ledger = schedule, on_evaluation, ledger
        self.evaluations: list[Evaluation] = []
        self._training, self._validation = _Mean(), _Mean()
        clock = _Clock(schedule, on_step)
        super().__init__(compute_loss_func=masked_loss, callbacks=[clock], **kwargs)
        self.remove_callback(PrinterCallback)
        self.args.eval_on_start = True

    def create_scheduler(
        self, num_training_steps: int, optimizer: torch.optim.Optimizer | None = None
    ) -> LambdaLR:
        return scheduler_of(self, num_training_steps, optimizer)

    def compute_loss(self, model: Any, inputs: dict[str, Any], *args: Any, **kwargs: Any) -> Any:
        with decode_masked_only(self.model, inputs["labels"] != IGNORED):
            return super().compute_loss(model, inputs, *args, **kwargs)

    def training_step(self, model: Any, inputs: dict[str, Any], *args: Any) -> torch.Tensor:
        self.ledger.stepped(len(inputs["labels"]), int(inputs["attention_mask"].sum()))
        loss: torch.Tensor = super().training_step(model, inputs, *args)
        # Each batch's loss is its part of the loss of a step of several.
        self._training.add(_finite(loss, "training"), 1 / self.current_gradient_accumulation_steps)
        return loss

    def prediction_step(self, model: Any, inputs: dict[str, Any], *args: Any, **kwargs: Any) -> Any:
        n_guessed = int((inputs["labels"] != IGNORED).sum())
        loss, _, _ = super().prediction_step(model, inputs, prediction_loss_only=True)
        # By tokens: a mean of batches' means would count a token more where fewer are beside it.
        self._validation.add(_finite(loss, "validation") * n_guessed, n_guessed)
        return loss, None, None

    def evaluate(self, *args: Any, **kwargs: Any) -> dict[str, float]:
        """Trainer's metrics; draws no random numbers, so that evaluations may be many or few."""
        with unmoved_streams(), self.ledger.on("evaluating"):
            metrics: dict[str, float] = super().evaluate(*args, **kwargs)
        step = self.schedule.reached(self.schedule.seen(self.state.global_step))
        loss = self._validation.taken()
        found = {"validation/loss": loss, "validation/perplexity": perplexity(loss)}
        if step:
            found["train/loss"] = self._training.taken()
        evaluation = Evaluation(step, step / self.schedule.train_rows, found)
        self.evaluations.append(evaluation)
        self.on_evaluation(evaluation)
        return metrics


def perplexity(loss: float) -> float:
    """exp(loss) of a loss in nats for each token: among so many tokens the model wavers.

    Infinity where a float cannot hold it.
    """
    return math.exp(loss) if loss < 700 else math.inf


def _finite(loss: torch.Tensor, name: str) -> float:
    value = loss.item()
    if not math.isfinite(value):
        raise NonFiniteError(f"the {name} loss became {value}")
    return value


class _Mean:
    """A mean of what was added since it was last taken."""

    def __init__(self) -> None:
        self.total, self.weight = 0.0, 0.0

    def add(self, value: float, weight: float) -> None:
        self.total, self.weight = self.total + value, self.weight + weight

    def taken(self) -> float:
        mean = self.total / self.weight
        self.total, self.weight = 0.0, 0.0
        return mean


class _Clock(TrainerCallback):  # type: ignore[misc]  # transformers has no types
    """Tells each step, and asks for the evaluations that are due."""

    def __init__(self, schedule: Schedule, on_step: OnStep) -> None:
        self.schedule, self.on_step = schedule, on_step
        self.evaluated = 0

    def on_step_end(
        self, args: Any, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        seen = self.schedule.seen(state.global_step)
        self.on_step(seen, self.schedule.total)
        reached = self.schedule.reached(seen)
        control.should_evaluate |= reached > self.evaluated
        self.evaluated = reached
