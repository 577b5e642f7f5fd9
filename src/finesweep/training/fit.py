"""One training run: a model and tokens in, evaluations out, one by one."""

from __future__ import annotations

import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import datasets
import numpy as np
from transformers import PreTrainedModel

from finesweep.config import TrainingConfig
from finesweep.dataset.stratify import sample_rows, strata
from finesweep.errors import ConfigError, FinesweepError, Problem
from finesweep.ledger import TimeLedger
from finesweep.model import Ensemble, faster_inference, faster_training
from finesweep.records import Objective, Predictions, Tokens, TrainingResult
from finesweep.stats.predictions import mean_predictions
from finesweep.training.activation_cache import ActivationCache
from finesweep.training.arguments import run_schedule, trainer_arguments
from finesweep.training.batches import sample_batch
from finesweep.training.callback import Monitor, OnBatch, OnEvaluation, OnStep
from finesweep.training.checkpoint.checkpoint_file import Checkpointing, read_tree
from finesweep.training.checkpoint.training_state import TrainingState, state_of
from finesweep.training.checkpoint.weights import copy_weights
from finesweep.training.loss import (
    LossFunction,
    balanced_weights,
    multi_label_loss,
    training_loss,
)
from finesweep.training.token_split import TokenSplit
from finesweep.training.trainer import ResumableTrainer, TextTrainer, predictions_of
from finesweep.training.truncation import template_of


def fit(
    model: PreTrainedModel,
    tokens: Tokens,
    config: TrainingConfig,
    *,
    objective: Objective,
    on_evaluation: OnEvaluation,
    on_step: OnStep = lambda examples_seen, total: None,
    on_batch: OnBatch = lambda: None,
    checkpoints: Checkpointing | None = None,
    resume: Path | None = None,
    activation_cache: ActivationCache | None = None,
    ledger: TimeLedger | None = None,
) -> TrainingResult:
    """All evaluations, the best one and its predictions; model is left with the best one's weights.

    on_evaluation is called at each evaluation, on_step after each optimizer step and on_batch
    after each batch of an evaluation; an exception from these ends the run and is raised here.
    resume is a folder that checkpoints committed, for the same untrained model, tokens and config;
    only batch_size may be smaller, with accumulation larger in proportion. The run continues
    as if it had not been interrupted, and calls on_evaluation for new evaluations only.
    FinesweepError when the folder is from another run. NonFiniteError within STEPS_PER_READ steps
    of a loss that is not finite, which it names, and as soon as a logit is not.
    activation_cache replaces model's frozen layers; ledger counts the seconds.
    """
    ledger = ledger or TimeLedger()
    saved = None if resume is None else read_tree(resume)
    training_state = TrainingState() if saved is None else state_of(saved.pop("progress"))
    monitor = Monitor(
        run_schedule(config, len(tokens.train)),
        objective,
        training_state,
        patience=config.early_stopping_patience,
        on_evaluation=on_evaluation,
        on_step=on_step,
        on_batch=on_batch,
        checkpoints=checkpoints,
        ledger=ledger,
        sample=pruning_sample(tokens, config.pruning_rows),
    )
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        all_tokens = activation_cache is not None and activation_cache.of_all_tokens
        sample = sample_batch(tokens, tokens.train)
        arguments = trainer_arguments(config, folder)
        stack.enter_context(
            faster_training(model, sample, device=arguments.device, all_tokens=all_tokens)
        )
        if activation_cache:
            stack.enter_context(activation_cache.bypass.install())
        stack.enter_context(ledger.on("training"))
        trainer = ResumableTrainer(
            monitor,
            tokens,
            activation_cache=activation_cache,
            ledger=ledger,
            model=model,
            args=arguments,
            train_dataset=TokenSplit(tokens.train, template_of(tokens)),
            eval_dataset=TokenSplit(tokens.validation, template_of(tokens)),
            compute_loss_func=_loss(config, tokens, model.config.num_labels),
        )
        trainer.train_on(saved)
    if monitor.failure is not None:
        raise monitor.failure
    state = trainer.state
    # Trainer returns normally also when something else stopped it, such as a signal's handler.
    if (state.global_step < state.max_steps or monitor.due) and not training_state.stopped_early:
        raise FinesweepError(f"training ended at step {state.global_step} of {state.max_steps}")
    return _result(training_state, model)


def predict(
    model: PreTrainedModel | Ensemble,
    split: datasets.Dataset,
    tokens: Tokens,
    config: TrainingConfig,
) -> Predictions:
    """The model's logits for one split of tokens, in the split's order."""
    if isinstance(model, Ensemble):
        members = model.classifiers
        return mean_predictions([predict(member, split, tokens, config) for member in members])
    sample = sample_batch(tokens, split)
    with tempfile.TemporaryDirectory() as folder, faster_inference(model, sample):
        trainer = TextTrainer(tokens, model=model, args=trainer_arguments(config, folder))
        output = trainer.predict(TokenSplit(split, template_of(tokens)))
    return predictions_of(output)


def pruning_sample(tokens: Tokens, n_rows: int | None) -> np.ndarray | None:
    """Indices of the validation rows that pruners see, the same in every trial; None for all."""
    labels = np.asarray(tokens.validation["labels"])
    if n_rows is None or n_rows >= len(labels):
        return None
    if tokens.multi_label:
        labels = strata(labels)
    return sample_rows(labels, n_rows, rng=np.random.default_rng(0))


def _result(state: TrainingState, model: PreTrainedModel) -> TrainingResult:
    assert state.best is not None  # training ends with an evaluation, which is finite
    assert state.best_predictions is not None
    copy_weights(state.best_weights, model)
    return TrainingResult(
        evaluations=tuple(state.evaluations),
        best=state.best,
        validation=state.best_predictions,
        stopped_early=state.stopped_early,
    )


def _loss(config: TrainingConfig, tokens: Tokens, n_classes: int) -> LossFunction:
    loss = multi_label_loss if tokens.multi_label else training_loss
    if config.class_weights != "balanced":
        return loss(None, label_smoothing=config.label_smoothing)
    labels = np.asarray(tokens.train["labels"], dtype=np.int64)
    try:
        weights: Any = (
            [balanced_weights(each, n_classes=2) for each in labels.T]
            if tokens.multi_label
            else balanced_weights(labels, n_classes=n_classes)
        )
    except ValueError as error:
        raise ConfigError(Problem("training.class_weights", str(error))) from error
    return loss(weights, label_smoothing=config.label_smoothing)
