"""Trainer's settings and schedule for one training config on this machine."""

from __future__ import annotations

import torch
from transformers import TrainingArguments

from finesweep.config import TrainingConfig
from finesweep.training.precision import resolve_precision
from finesweep.training.schedule import Schedule


def trainer_arguments(config: TrainingConfig, folder: str) -> TrainingArguments:
    """Arguments that leave evaluating, logging and saving to our callbacks."""
    precision = resolve_precision(config.precision)
    return TrainingArguments(
        output_dir=folder,
        learning_rate=config.learning_rate,
        num_train_epochs=config.epochs,
        per_device_train_batch_size=config.batch_size,
        per_device_eval_batch_size=config.evaluation_batch_size,
        gradient_accumulation_steps=config.gradient_accumulation_steps,
        weight_decay=config.weight_decay,
        warmup_steps=config.warmup_ratio,  # Trainer reads a value below 1 as a ratio
        max_grad_norm=config.max_grad_norm,
        lr_scheduler_type="linear",  # except that it starts above 0: schedule.py
        seed=config.seed,
        use_cpu=precision == "bf16" and not torch.cuda.is_available(),  # Trainer requires it
        bf16=precision == "bf16",
        fp16=precision == "fp16",
        remove_unused_columns=False,  # the collator takes what it needs
        label_names=["labels"],  # some models' forward takes them without naming them
        eval_strategy="no",  # the monitor requests evaluations and logs
        logging_strategy="no",
        save_strategy="no",
        logging_nan_inf_filter=False,  # it would replace a NaN by the mean of earlier losses
        report_to="none",
        disable_tqdm=True,
        dataloader_pin_memory=torch.cuda.is_available(),
        # From pinned memory the host need not wait for a copy.
        accelerator_config={"non_blocking": torch.cuda.is_available()},
    )


def run_schedule(config: TrainingConfig, train_rows: int) -> Schedule:
    """When a run over train_rows examples evaluates, on this machine."""
    return Schedule(
        train_rows=train_rows,
        epochs=config.epochs,
        evaluations_per_epoch=config.evaluations_per_epoch,
        # Trainer puts one batch of batch_size on each GPU that it sees.
        examples_per_step=config.batch_size
        * config.gradient_accumulation_steps
        * max(1, torch.cuda.device_count()),
    )
