"""Trainer's settings and schedule for one training config on this machine."""

from __future__ import annotations

import torch
from transformers import TrainingArguments
from transformers.utils import is_torch_tf32_available

from finesweep.config import TrainingConfig
from finesweep.training.precision import resolve_precision
from finesweep.training.ranks.shares import share_size
from finesweep.training.schedule import Schedule

OPTIMIZERS: dict[str, dict[str, str]] = {"adamw": {}, "adafactor": {"optim": "adafactor"}}
"""Trainer's default is torch's AdamW. Its Adafactor takes the rate as given: the step is neither
relative to time nor to the size of the weights."""


class OneGpuArguments(TrainingArguments):  # type: ignore[misc]  # transformers has no types
    """Arguments for one GPU, the first that the process sees, however many there are.

    Trainer would wrap the model in DataParallel and put a batch on each GPU: the batch size, and
    with it the learning rate that suits it, would depend on the machine.
    """

    @property
    def n_gpu(self) -> int:
        n_seen: int = super().n_gpu
        return min(1, n_seen)


def trainer_arguments(config: TrainingConfig, folder: str, *, n_ranks: int = 1) -> OneGpuArguments:
    """Arguments that leave evaluating, logging and saving to our callbacks.

    Several ranks divide each batch, so that a run has the same steps on any number of devices.
    """
    precision = resolve_precision(config.precision)
    cuda = torch.cuda.is_available()
    return OneGpuArguments(
        output_dir=folder,
        learning_rate=config.learning_rate,
        num_train_epochs=config.epochs,
        per_device_train_batch_size=share_size(config.batch_size, n_ranks),
        per_device_eval_batch_size=config.evaluation_batch_size,
        gradient_accumulation_steps=config.gradient_accumulation_steps,
        weight_decay=config.weight_decay,
        warmup_steps=config.warmup_ratio,  # Trainer reads a value below 1 as a ratio
        max_grad_norm=config.max_grad_norm,
        lr_scheduler_type="linear",  # unused: optimization/learning_rate.py
        seed=config.seed,
        use_cpu=(precision == "bf16" or n_ranks > 1) and not cuda,  # Trainer requires it
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
        log_level_replica="passive",  # of other ranks it would be raised to warnings
        tf32=is_torch_tf32_available(),  # fp32 products would be several times slower
        dataloader_pin_memory=cuda,
        # From pinned memory the host need not wait for a copy.
        accelerator_config={"non_blocking": cuda},
        **OPTIMIZERS[config.optimizer],
        ddp_broadcast_buffers=False,  # no encoder changes its buffers
    )


def run_schedule(config: TrainingConfig, train_rows: int) -> Schedule:
    """When a run over train_rows examples evaluates."""
    return Schedule(
        train_rows=train_rows,
        epochs=config.epochs,
        evaluations_per_epoch=config.evaluations_per_epoch,
        examples_per_step=config.batch_size * config.gradient_accumulation_steps,
    )
