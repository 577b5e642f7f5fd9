"""Trainer's callback that evaluates on schedule, keeps the best weights and ends the run."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from transformers import EvalPrediction, PreTrainedModel, TrainerCallback, TrainerControl

from finesweep.errors import FinesweepError, NonFiniteError, nearest
from finesweep.records import Evaluation, Objective, Predictions
from finesweep.training.metrics import measure
from finesweep.training.schedule import Schedule

OnEvaluation = Callable[[Evaluation], None]
OnStep = Callable[[int, int], None]
"""Called with the examples seen so far and in total."""


class Monitor(TrainerCallback):  # type: ignore[misc]  # transformers has no types
    """Watches one run. What a callback raises is kept, stops training, and is raised by `fit`."""

    def __init__(
        self,
        schedule: Schedule,
        objective: Objective,
        *,
        patience: int | None,
        on_evaluation: OnEvaluation,
        on_step: OnStep,
    ) -> None:
        self.schedule, self.objective, self.patience = schedule, objective, patience
        self.on_evaluation, self.on_step = on_evaluation, on_step
        self.due = schedule.evaluation_steps
        self.evaluations: list[Evaluation] = []
        self.best: Evaluation | None = None
        self.best_predictions: Predictions | None = None
        self.failure: BaseException | None = None
        self.stopped_early = False
        self._weights: dict[str, torch.Tensor] = {}
        self._predictions: Predictions | None = None
        self._train_loss = float("nan")
        self._evaluations_without_gain = 0

    def watch_loss(self, loss: torch.Tensor) -> None:
        """Ends the run at the first loss that is not finite; Trainer would average it away."""
        if self.failure is None and not torch.isfinite(loss):
            self.failure = NonFiniteError(f"the training loss became {loss.item()}")

    def receive(self, prediction: EvalPrediction) -> dict[str, float]:
        """Trainer's compute_metrics: takes logits and labels, adds nothing to Trainer's own."""
        self._predictions = Predictions(prediction.predictions, prediction.label_ids)
        return {}

    def on_step_end(self, args: Any, state: Any, control: TrainerControl, **kwargs: Any) -> None:
        seen = self.schedule.seen(state.global_step)
        if self.failure is not None:
            control.should_training_stop = True
            return
        try:
            self.on_step(seen, self.schedule.total)
        except (Exception, KeyboardInterrupt) as error:
            self.failure, control.should_training_stop = error, True
            return
        if self.due and seen >= self.due[0]:
            control.should_log = control.should_evaluate = True

    def on_log(self, args: Any, state: Any, control: Any, logs: Any, **kwargs: Any) -> None:
        self._train_loss = logs.get("loss", self._train_loss)

    def on_evaluate(
        self, args: Any, state: Any, control: TrainerControl, model: PreTrainedModel, **kwargs: Any
    ) -> None:
        try:
            self._evaluated(self.schedule.seen(state.global_step), model)
        except (Exception, KeyboardInterrupt) as error:
            # Raised from here it would leave Trainer half inside training; `fit` raises it.
            self.failure = error
        control.should_training_stop |= self.failure is not None or self.stopped_early

    def restore_best(self, model: PreTrainedModel) -> None:
        """Puts the best evaluation's weights back into model."""
        for name, parameter in model.named_parameters():
            if name in self._weights:
                parameter.data.copy_(self._weights[name])

    def _evaluated(self, seen: int, model: PreTrainedModel) -> None:
        assert self._predictions is not None
        metrics = {"train/loss": self._train_loss} | measure(self._predictions, "validation")
        # A batch may pass several due steps at once: each gets this evaluation's values.
        reached = [step for step in self.due if step <= seen]
        self.due = self.due[len(reached) :]
        for step in reached:
            evaluation = Evaluation(step, step / self.schedule.train_rows, metrics)
            self.evaluations.append(evaluation)
        self._compare(self.evaluations[-len(reached)], model)
        for evaluation in self.evaluations[-len(reached) :]:
            self.on_evaluation(evaluation)

    def _compare(self, evaluation: Evaluation, model: PreTrainedModel) -> None:
        if self.objective.metric not in evaluation.metrics:
            known = nearest(self.objective.metric, evaluation.metrics)
            raise FinesweepError(f"{self.objective.metric} is not measured here; {known}")
        value = evaluation.metrics[self.objective.metric]
        best = self.best.metrics[self.objective.metric] if self.best else self.objective.worst
        if self.objective.is_better(value, best):
            self.best, self.best_predictions = evaluation, self._predictions
            self._evaluations_without_gain = 0
            # Only what trains can have changed; on the CPU, to leave the GPU's memory alone.
            self._weights = {
                name: parameter.detach().to("cpu", copy=True)
                for name, parameter in model.named_parameters()
                if parameter.requires_grad
            }
        else:
            self._evaluations_without_gain += 1
            self.stopped_early = self._evaluations_without_gain == self.patience
