"""One training run: a model and tokens go in, evaluations come out one by one."""

from __future__ import annotations

import tempfile
from typing import Any

import datasets
import torch
from transformers import (
    DataCollatorWithPadding,
    PreTrainedModel,
    PreTrainedTokenizerBase,
    PrinterCallback,
    Trainer,
    TrainingArguments,
)

from finesweep.config import TrainingConfig
from finesweep.errors import ConfigError, Problem
from finesweep.records import Objective, Predictions, Tokens, TrainingResult
from finesweep.training.loss import balanced_weights, training_loss
from finesweep.training.monitor import Monitor, OnEvaluation, OnStep
from finesweep.training.schedule import Schedule


def fit(
    model: PreTrainedModel,
    tokens: Tokens,
    config: TrainingConfig,
    *,
    objective: Objective,
    on_evaluation: OnEvaluation,
    on_step: OnStep = lambda seen, total: None,
) -> TrainingResult:
    """Every evaluation, the best one and its predictions; model ends with the best one's weights.

    on_evaluation is called at each evaluation, on_step after each optimizer step; what they
    raise ends the run cleanly and is raised here. NonFiniteError as soon as a
    loss or a logit is not finite.
    """
    monitor = Monitor(
        _schedule(config, len(tokens.train)),
        objective,
        patience=config.early_stopping_patience,
        on_evaluation=on_evaluation,
        on_step=on_step,
    )
    with tempfile.TemporaryDirectory() as folder:
        trainer = _Trainer(monitor, model, tokens, config, folder)
        trainer.train()
    if monitor.failure is not None:
        raise monitor.failure
    assert monitor.best is not None  # train() ends with an evaluation, which is finite
    assert monitor.best_predictions is not None
    monitor.restore_best(model)
    return TrainingResult(
        evaluations=tuple(monitor.evaluations),
        best=monitor.best,
        validation=monitor.best_predictions,
        stopped_early=monitor.stopped_early,
    )


def predict(
    model: PreTrainedModel,
    tokens: datasets.Dataset,
    tokenizer: PreTrainedTokenizerBase,
    config: TrainingConfig,
) -> Predictions:
    """The model's logits for one tokenised split, in the split's order."""
    with tempfile.TemporaryDirectory() as folder:
        trainer = Trainer(
            model=model,
            args=_arguments(config, folder),
            data_collator=DataCollatorWithPadding(tokenizer),
        )
        trainer.remove_callback(PrinterCallback)
        output = trainer.predict(tokens)
    return Predictions(output.predictions, output.label_ids)


class _Trainer(Trainer):  # type: ignore[misc]  # transformers has no types
    """Trainer, which shows every training loss to the monitor."""

    def __init__(
        self,
        monitor: Monitor,
        model: PreTrainedModel,
        tokens: Tokens,
        config: TrainingConfig,
        folder: str,
    ) -> None:
        self.monitor = monitor
        super().__init__(
            model=model,
            args=_arguments(config, folder),
            train_dataset=tokens.train,
            eval_dataset=tokens.validation,
            data_collator=DataCollatorWithPadding(tokens.tokenizer),
            compute_loss_func=_loss(config, tokens, model.config.num_labels),
            compute_metrics=monitor.receive,
            callbacks=[monitor],
        )
        self.remove_callback(PrinterCallback)

    def training_step(self, *args: Any, **kwargs: Any) -> torch.Tensor:
        loss: torch.Tensor = super().training_step(*args, **kwargs)
        self.monitor.watch_loss(loss)
        return loss


def _schedule(config: TrainingConfig, train_rows: int) -> Schedule:
    return Schedule(
        train_rows=train_rows,
        epochs=config.epochs,
        evaluations_per_epoch=config.evaluations_per_epoch,
        # Trainer spreads one batch of batch_size over each GPU that it sees.
        examples_per_step=config.batch_size
        * config.gradient_accumulation_steps
        * max(1, torch.cuda.device_count()),
    )


def _loss(config: TrainingConfig, tokens: Tokens, n_classes: int) -> Any:
    balanced = config.class_weights == "balanced"
    try:
        weights = (
            balanced_weights(tokens.train["labels"], n_classes=n_classes) if balanced else None
        )
    except ValueError as error:
        raise ConfigError(Problem("training.class_weights", str(error))) from error
    return training_loss(weights, label_smoothing=config.label_smoothing)


def _arguments(config: TrainingConfig, folder: str) -> TrainingArguments:
    precision = resolve_precision(config.precision)
    return TrainingArguments(
        output_dir=folder,
        learning_rate=config.learning_rate,
        num_train_epochs=config.epochs,
        per_device_train_batch_size=config.batch_size,
        per_device_eval_batch_size=config.evaluation_batch_size,
        gradient_accumulation_steps=config.gradient_accumulation_steps,
        weight_decay=config.weight_decay,
        warmup_steps=config.warmup_ratio,  # below 1 it is a share of all steps
        max_grad_norm=config.max_grad_norm,
        lr_scheduler_type="linear",
        seed=config.seed,
        use_cpu=precision == "bf16" and not torch.cuda.is_available(),  # Trainer asks for it
        bf16=precision == "bf16",
        fp16=precision == "fp16",
        eval_strategy="no",  # the monitor asks for evaluations and logs
        logging_strategy="no",
        save_strategy="no",
        logging_nan_inf_filter=False,  # it would hide a NaN behind the mean of earlier losses
        report_to="none",
        disable_tqdm=True,
        dataloader_pin_memory=torch.cuda.is_available(),
    )


def resolve_precision(precision: str) -> str:
    """fp32, bf16 or fp16 for this machine; ConfigError when it cannot do what was asked."""
    cuda = torch.cuda.is_available()
    if precision == "fp16" and not cuda:
        raise ConfigError(Problem("training.precision", "fp16 needs a GPU; use auto, bf16 or fp32"))
    # Emulation would answer yes on older GPUs, slower than fp16.
    native_bf16 = cuda and torch.cuda.is_bf16_supported(including_emulation=False)
    if precision == "bf16" and cuda and not native_bf16:
        raise ConfigError(Problem("training.precision", "this GPU has no bf16; use auto or fp16"))
    if precision != "auto":
        return precision
    if not cuda:
        return "fp32"
    return "bf16" if native_bf16 else "fp16"
