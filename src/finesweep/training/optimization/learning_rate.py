"""The learning rate of each step: warm-up, and how it falls or stays afterwards."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Any

from torch.optim import Optimizer
from torch.optim.lr_scheduler import LambdaLR

DECAY_SHARE = 0.2
"""Share of the steps in which `warmup_stable_decay` falls: enough by the measurements of Hägele et
al. 2024."""


def rate_factor(step: int, *, n_warmup: int, n_steps: int, scheduler: str = "linear") -> float:
    """The factor of the peak learning rate in one of n_steps steps, counted from 0.

    It is above 0 in each step. It rises from 1 / n_warmup to 1; Transformers' own starts at 0: a
    run of one step would learn nothing. Then it goes as the scheduler is named, in Transformers'
    words, but that `constant` is their constant_with_warmup:

    - linear: falls to 1 / (n_steps - n_warmup), which the last step has;
    - cosine: falls by half a cosine over these steps (Loshchilov and Hutter 2017,
      https://arxiv.org/abs/1608.03983, without restarts);
    - constant: stays 1;
    - warmup_stable_decay: stays 1 and falls linearly in the last DECAY_SHARE of all steps (Hu et
      al. 2024, https://arxiv.org/abs/2404.06395; Hägele et al. 2024,
      https://arxiv.org/abs/2405.18392).
    """
    if step < n_warmup:
        return (step + 1) / n_warmup
    return _AFTER_WARMUP[scheduler](step, n_warmup, n_steps)


def _linear(step: int, n_warmup: int, n_steps: int) -> float:
    return max(0.0, (n_steps - step) / max(1, n_steps - n_warmup))


def _cosine(step: int, n_warmup: int, n_steps: int) -> float:
    progress = min(1.0, (step - n_warmup) / max(1, n_steps - n_warmup))
    return 0.5 * (1.0 + math.cos(math.pi * progress))


def _constant(step: int, n_warmup: int, n_steps: int) -> float:
    return 1.0


def _warmup_stable_decay(step: int, n_warmup: int, n_steps: int) -> float:
    n_decay = min(math.ceil(DECAY_SHARE * n_steps), n_steps - n_warmup)
    return max(0.0, min(1.0, (n_steps - step) / max(1, n_decay)))


_AFTER_WARMUP: dict[str, Callable[[int, int, int], float]] = {
    "linear": _linear,
    "cosine": _cosine,
    "constant": _constant,
    "warmup_stable_decay": _warmup_stable_decay,
}


def scheduled_rate(
    optimizer: Optimizer, *, n_warmup: int, n_steps: int, scheduler: str = "linear"
) -> LambdaLR:
    """The optimizer's learning rates, each multiplied by rate_factor."""
    factor = partial(rate_factor, n_warmup=n_warmup, n_steps=n_steps, scheduler=scheduler)
    return LambdaLR(optimizer, factor)


def scheduler_of(
    trainer: Any, n_steps: int, optimizer: Optimizer | None, *, scheduler: str
) -> LambdaLR:
    """The return value of Trainer.create_scheduler, which Trainer calls once per training."""
    n_warmup, own = trainer.args.get_warmup_steps(n_steps), optimizer or trainer.optimizer
    rate = scheduled_rate(own, n_warmup=n_warmup, n_steps=n_steps, scheduler=scheduler)
    trainer.lr_scheduler = rate
    return rate
