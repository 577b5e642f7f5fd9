"""One training run: a model and tokens in, evaluations out, one by one."""

from __future__ import annotations

import tempfile
from contextlib import ExitStack
from functools import partial
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
from finesweep.training.callback import (
    AfterBatch,
    Monitor,
    OnBatch,
    OnEvaluation,
    OnStep,
)
from finesweep.training.checkpoint.checkpoint_file import Checkpointing, read_tree
from finesweep.training.checkpoint.training_state import TrainingState, state_of
from finesweep.training.checkpoint.weights import copy_weights
from finesweep.training.distillation import Distillation
from finesweep.training.loss import (
    LossFunction,
    balanced_weights,
    multi_label_loss,
    training_loss,
)
from finesweep.training.ranks import ALONE, Ranks
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
    teacher_logits: np.ndarray | None = None,
    ledger: TimeLedger | None = None,
    ranks: Ranks = ALONE,
) -> TrainingResult:
    """All evaluations, the best one and its predictions; model is left with the best one's weights.

    on_evaluation is called at each evaluation, on_step after each optimizer step and on_batch
    after each batch of an evaluation; an exception from these ends the run and is raised here.
    resume is a folder that checkpoints committed, for the same untrained model, tokens and config;
    only batch_size may be smaller, with accumulation larger in proportion. The run continues
    as if it had not been interrupted, and calls on_evaluation for new evaluations only.
    FinesweepError when the folder is from another run. NonFiniteError within STEPS_PER_READ steps
    of a loss that is not finite, which it names, and as soon as a logit is not.
    activation_cache replaces model's frozen layers; ledger counts the seconds. teacher_logits
    [N, C] float32 are the teacher's for the training rows; a config with a teacher needs them.

    ranks: the processes that train together, each of which calls this with the same model, tokens
    and config; then there is no activation_cache. Steps, losses and evaluations are those of one
    process, but for rounding and dropout. What is raised on one rank ends the others at the same
    step with PeerFailedError; what is raised in a backward pass or by a signal does not.
    """
    if (config.teacher is None) != (teacher_logits is None):
        raise ValueError("a teacher and its logits are given together")
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
        ranks=ranks,
    )
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        all_tokens = activation_cache is not None and activation_cache.of_all_tokens
        sample = sample_batch(tokens, tokens.train)
        stack.enter_context(ranks.environment())
        arguments = trainer_arguments(config, folder, n_ranks=ranks.size)
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
            distillation=_distillation(config, tokens, teacher_logits),
            ledger=ledger,
            scheduler=config.scheduler,
            layer_decay=config.layer_decay,
            model=model,
            args=arguments,
            train_dataset=TokenSplit(tokens.train, template_of(tokens)),
            eval_dataset=TokenSplit(tokens.validation, template_of(tokens)),
            compute_loss_func=_loss(config, tokens, model.config.num_labels),
            batch_size=config.batch_size,
            ranks=ranks,
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
    *,
    on_batch: OnBatch = lambda: None,
) -> Predictions:
    """The model's logits for one split of tokens, in the split's order.

    on_batch is called after each batch; an exception from it ends the prediction.
    """
    if isinstance(model, Ensemble):
        members = model.classifiers
        return mean_predictions(
            [predict(member, split, tokens, config, on_batch=on_batch) for member in members]
        )
    sample = sample_batch(tokens, split)
    with tempfile.TemporaryDirectory() as folder, faster_inference(model, sample):
        arguments = trainer_arguments(config, folder)
        trainer = TextTrainer(tokens, model=model, args=arguments, callbacks=[AfterBatch(on_batch)])
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


def _distillation(
    config: TrainingConfig, tokens: Tokens, logits: np.ndarray | None
) -> Distillation | None:
    if logits is None:
        return None
    return Distillation(logits, config.distillation, multi_label=tokens.multi_label)


def _loss(config: TrainingConfig, tokens: Tokens, n_classes: int) -> LossFunction:
    loss = partial(
        multi_label_loss if tokens.multi_label else training_loss,
        label_smoothing=config.label_smoothing,
        focal_gamma=config.focal_gamma,
    )
    if config.class_weights != "balanced":
        return loss(None)
    labels = np.asarray(tokens.train["labels"], dtype=np.int64)
    try:
        weights: Any = (
            [balanced_weights(each, n_classes=2) for each in labels.T]
            if tokens.multi_label
            else balanced_weights(labels, n_classes=n_classes)
        )
    except ValueError as error:
        raise ConfigError(Problem("training.class_weights", str(error))) from error
    return loss(weights)
