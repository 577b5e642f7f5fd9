"""Trainer's callback that evaluates and checkpoints on schedule, and ends the run."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from transformers import (
    PreTrainedModel,
    TrainerCallback,
    TrainerControl,
    TrainerState,
)

from finesweep.ledger import TimeLedger
from finesweep.records import Evaluation, Objective, Predictions
from finesweep.training.checkpoint.checkpoint_file import Checkpointing, run_tree, write_tree
from finesweep.training.checkpoint.rng_state import RngState, get_rng_state
from finesweep.training.checkpoint.training_state import (
    TrainingState,
    append_evaluations,
    update_best,
)
from finesweep.training.checkpoint.weights import trainable_weights
from finesweep.training.loss import UnreadLosses
from finesweep.training.metrics import compute_metrics
from finesweep.training.ranks import ALONE, PeerFailedError, Ranks
from finesweep.training.schedule import Schedule

OnEvaluation = Callable[[Evaluation], None]
OnStep = Callable[[int, int], None]
"""Called with the examples seen so far and in total."""
OnBatch = Callable[[], None]
"""Called after each batch of an evaluation."""


class AfterBatch(TrainerCallback):  # type: ignore[misc]  # transformers has no types
    """Calls a function after each batch of a prediction; what it raises passes through Trainer."""

    def __init__(self, on_batch: OnBatch) -> None:
        self.on_batch = on_batch

    def on_prediction_step(self, *args: Any, **kwargs: Any) -> None:
        self.on_batch()


class Monitor(TrainerCallback):  # type: ignore[misc]  # transformers has no types
    """Watches one run. Exceptions from on_step and on_evaluation stop training and are raised by
    `fit`; those from on_batch pass through Trainer, since nothing else ends an evaluation."""

    def __init__(
        self,
        schedule: Schedule,
        objective: Objective,
        training_state: TrainingState,
        *,
        patience: int | None,
        on_evaluation: OnEvaluation,
        on_step: OnStep,
        on_batch: OnBatch,
        checkpoints: Checkpointing | None,
        ledger: TimeLedger,
        sample: np.ndarray | None = None,
        ranks: Ranks = ALONE,
    ) -> None:
        """sample: indices of the validation rows that pruners see, ascending; None for all."""
        self.ranks = ranks
        self.schedule, self.objective, self.patience = schedule, objective, patience
        self.training_state, self.checkpoints, self.ledger = training_state, checkpoints, ledger
        self.sample = sample
        self.on_evaluation, self.on_step, self.on_batch = on_evaluation, on_step, on_batch
        done = training_state.evaluations[-1].step if training_state.evaluations else 0
        self.due = [step for step in schedule.evaluation_steps if step > done]
        self.failure: BaseException | None = None
        self.rng_state_before_evaluation: RngState | None = None
        self._predictions: Predictions | None = None
        self._losses = UnreadLosses()

    def watch_loss(self, loss: torch.Tensor, *, step: int) -> None:
        """Ends the run within STEPS_PER_READ steps of a loss that is not finite, and before any
        evaluation or checkpoint; Trainer would hide it in a mean."""
        self._losses.add(loss, step=step)

    def watch_padding(self, *, n_places: int, n_tokens: int) -> None:
        """Counts a training batch's size in tokens, and the padding among them."""
        self.training_state.n_tokens += n_places
        self.training_state.n_padded += n_places - n_tokens

    def receive(self, predictions: Predictions) -> None:
        """Takes an evaluation's predictions, before on_evaluate is called."""
        self._predictions = predictions

    def is_evaluation_due(self, examples_seen: int) -> bool:
        return bool(self.due) and examples_seen >= self.due[0]

    def is_sample_enough(self, examples_seen: int) -> bool:
        """Whether the evaluation due now is only for the pruner."""
        return self.sample is not None and not any(
            map(self.schedule.ends_epoch, self._due_steps(examples_seen))
        )

    def on_train_begin(self, args: Any, state: Any, control: TrainerControl, **kwargs: Any) -> None:
        control.should_training_stop = self.training_state.stopped_early

    def on_step_begin(self, args: Any, state: TrainerState, control: Any, **kwargs: Any) -> None:
        self.ranks.seed_step(args.seed, step=state.global_step)

    def on_step_end(
        self, args: Any, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        examples_seen = self.schedule.examples_seen(state.global_step)
        self.training_state.n_steps += 1
        try:
            if self._losses.is_full() or self.is_evaluation_due(examples_seen):
                self._read_losses()
            self._checkpoint(state, **kwargs)
            self.on_step(examples_seen, self.schedule.total)
        except (Exception, KeyboardInterrupt) as error:
            self.failure = error
        if self._stops_together(control):
            return
        control.should_evaluate |= self.is_evaluation_due(examples_seen)

    def on_prediction_step(
        self, args: Any, state: TrainerState, control: Any, **kwargs: Any
    ) -> None:
        failure: BaseException | None = None
        try:
            self._checkpoint(state, **kwargs)  # first: on_batch may raise to stop the run
            self.on_batch()
        except (Exception, KeyboardInterrupt) as error:
            failure = error
        self.ranks.check(failure)

    def on_evaluate(
        self,
        args: Any,
        state: TrainerState,
        control: TrainerControl,
        model: PreTrainedModel,
        **kwargs: Any,
    ) -> None:
        try:
            self._add_evaluations(self.schedule.examples_seen(state.global_step), model)
        except (Exception, KeyboardInterrupt) as error:
            # Raising here would leave Trainer in the middle of training; `fit` raises it.
            self.failure = error
        if not self._stops_together(control):
            control.should_training_stop |= self.training_state.stopped_early

    def _stops_together(self, control: TrainerControl) -> bool:
        """Whether training ends here, on all ranks, because one of them cannot go on."""
        if not self.ranks.any(self.failure is not None):
            return False
        self.failure = self.failure or PeerFailedError("another rank has failed")
        control.should_training_stop = True
        return True

    def _checkpoint(
        self,
        state: TrainerState,
        *,
        model: PreTrainedModel,
        optimizer: Any,
        lr_scheduler: Any,
        **kwargs: Any,
    ) -> None:
        def write(folder: Path) -> None:
            tree = run_tree(
                model=model,
                optimizer=optimizer,
                scheduler=lr_scheduler,
                trainer_state=state,
                training_state=self.training_state,
                # An evaluation changes nothing else: the checkpoint is the state before it.
                rng_state=self.rng_state_before_evaluation or get_rng_state(),
                examples_seen=self.schedule.examples_seen(state.global_step),
            )
            write_tree(folder, tree)

        if self.checkpoints is not None and self.checkpoints.due():
            self._read_losses()
            with self.ledger.on("saving"):
                self.checkpoints.commit(write, step=state.global_step)

    def _read_losses(self) -> None:
        # One by one: the sum of a resumed run is rounded as if it had not been interrupted.
        for value in self._losses.read():
            self.training_state.loss_sum += value

    def _add_evaluations(self, examples_seen: int, model: PreTrainedModel) -> None:
        assert self._predictions is not None
        whole = not self.is_sample_enough(examples_seen)
        metrics = self._compute_metrics(self._predictions, whole=whole)
        # One batch may reach several due steps: each gets this evaluation's values.
        due = self._due_steps(examples_seen)
        self.due = self.due[len(due) :]
        evaluations = [Evaluation(step, step / self.schedule.train_rows, metrics) for step in due]
        append_evaluations(self.training_state, evaluations)
        if whole:
            update_best(
                self.training_state,
                evaluations,
                self._predictions,
                trainable_weights(model),
                objective=self.objective,
                patience=self.patience,
            )
        for evaluation in evaluations:
            self.on_evaluation(evaluation)

    def _due_steps(self, examples_seen: int) -> list[int]:
        return [step for step in self.due if step <= examples_seen]

    def _compute_metrics(self, predictions: Predictions, *, whole: bool) -> dict[str, float]:
        state, objective = self.training_state, self.objective
        metrics = {
            "train/loss": state.loss_sum / state.n_steps,
            "train/padding_fraction": state.n_padded / state.n_tokens,
        }
        if whole:
            metrics |= compute_metrics(predictions, "validation")
        if self.sample is not None:
            rows = self.sample if whole else slice(None)
            sample = Predictions(predictions.logits[rows], predictions.labels[rows])
            metrics[objective.for_pruning] = compute_metrics(sample, "validation")[objective.metric]
        return metrics
