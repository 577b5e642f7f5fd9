"""Trainer's settings for one recipe on this machine."""

from __future__ import annotations

import torch
from transformers import TrainingArguments

from finesweep.config import TrainingConfig
from finesweep.errors import ConfigError, Problem


def trainer_arguments(config: TrainingConfig, folder: str) -> TrainingArguments:
    """Arguments with which Trainer evaluates, logs and saves nothing by itself."""
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
        remove_unused_columns=False,  # the collator takes what it needs
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
    if not cuda:
        # Both are of torch's own checks of the CPU; elsewhere bf16 is emulated, and slower.
        native_bf16 = torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()
    if precision == "bf16" and cuda and not native_bf16:
        raise ConfigError(Problem("training.precision", "this GPU has no bf16; use auto or fp16"))
    if precision != "auto":
        return precision
    if native_bf16:
        return "bf16"
    return "fp16" if cuda else "fp32"
