"""The training loss: cross-entropy for one label or several, with class weights, smoothing and the
focal factor; and its values, read every few steps."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np
import torch
from torch.nn.functional import (
    binary_cross_entropy_with_logits,
    cross_entropy,
    log_softmax,
    logsigmoid,
)

from finesweep.errors import NonFiniteError

LossFunction = Callable[..., torch.Tensor]
MIN_COMPLEMENT = 1e-7
STEPS_PER_READ = 16
"""Optimizer steps whose losses are read at once: at a read the host waits for the device."""


def training_loss(
    weights: Sequence[float] | None, *, label_smoothing: float, focal_gamma: float = 0.0
) -> LossFunction:
    """A function of (outputs, labels [N], num_items_in_batch) that Trainer minimises.

    Each example's smoothed loss is multiplied by its own label's weight. The sum is divided by the
    number of examples, not by the sum of weights: with gradient accumulation Trainer passes the
    whole step's count, so that micro-batches add up exactly.

    With focal_gamma each example's smoothed and weighted loss is also multiplied by
    (1 - p)^focal_gamma, p being the probability of its own label, through which gradients flow: the
    focal loss of Lin et al. 2017 (https://arxiv.org/abs/1708.02002), with the weights as its alpha.
    At 0 there is no such factor.
    """
    weight = None if weights is None else torch.tensor(weights, dtype=torch.float32)

    def loss(outputs: Any, labels: torch.Tensor, num_items_in_batch: Any = None) -> torch.Tensor:
        logits = outputs.logits.float()
        each = cross_entropy(logits, labels, label_smoothing=label_smoothing, reduction="none")
        if weight is not None:
            # Not torch's own weight: it applies every class's weight to that class's part of a
            # smoothed target, so that a rare class pulls every example towards it.
            each = each * weight.to(logits.device)[labels.clamp(min=0)]  # the loss of -100 is 0
        if focal_gamma:
            own = labels.clamp(min=0)[:, None]
            log_probability = log_softmax(logits, dim=1).gather(1, own)[:, 0]
            each = each * _focal_factor(log_probability, focal_gamma)
        total = each.sum()
        n_rows = (labels >= 0).sum() if num_items_in_batch is None else num_items_in_batch
        return total / n_rows

    return loss


def multi_label_loss(
    weights: Sequence[Sequence[float]] | None,
    *,
    label_smoothing: float,
    focal_gamma: float = 0.0,
) -> LossFunction:
    """The same for labels [N, C] of 0 and 1: the mean over all N * C decisions, a count that
    Trainer passes.

    weights [C, 2] are each label's weights of 0 and 1; smoothing is split between the two; the
    focal factor has the probability of each decision's own side. Rows with the label -100 count
    nothing, as in the other.
    """
    weight = None if weights is None else torch.tensor(weights, dtype=torch.float32)

    def loss(outputs: Any, labels: torch.Tensor, num_items_in_batch: Any = None) -> torch.Tensor:
        logits = outputs.logits.float()
        each = (labels >= 0).to(logits.dtype)
        if weight is not None:
            negative, positive = weight.to(logits.device).T
            each = each * torch.where(labels == 1, positive, negative)
        smoothed = labels * (1 - label_smoothing) + label_smoothing / 2
        decisions = partial(binary_cross_entropy_with_logits, logits, smoothed, weight=each)
        if focal_gamma:
            factor = _focal_factor(logsigmoid(logits * (2 * labels - 1)), focal_gamma)
            total = (factor * decisions(reduction="none")).sum()
        else:
            total = decisions(reduction="sum")
        return total / (labels.numel() if num_items_in_batch is None else num_items_in_batch)

    return loss


def _focal_factor(log_probability: torch.Tensor, gamma: float) -> torch.Tensor:
    """(1 - p)^gamma. Not quite 0 at p = 1, where the gradient would be infinite for gamma < 1."""
    return (-torch.expm1(log_probability)).clamp(min=MIN_COMPLEMENT) ** gamma


class UnreadLosses:
    """Losses that are still on their device."""

    def __init__(self) -> None:
        self._losses: list[torch.Tensor] = []
        self._steps: list[int] = []

    def add(self, loss: torch.Tensor, *, step: int) -> None:
        """Keeps the scalar loss of a batch; step counts optimizer steps from 1."""
        self._losses.append(loss.detach())
        self._steps.append(step)

    def is_full(self) -> bool:
        """Whether STEPS_PER_READ steps have losses here."""
        return bool(self._steps) and self._steps[-1] - self._steps[0] >= STEPS_PER_READ - 1

    def read(self) -> list[float]:
        """All losses in order, which are then forgotten; NonFiniteError with the first step whose
        loss is not finite."""
        if not self._losses:
            return []
        values: list[float] = torch.stack(self._losses).tolist()
        for step, value in zip(self._steps, values, strict=True):
            if not math.isfinite(value):
                raise NonFiniteError(f"the training loss became {value} in optimizer step {step}")
        self._losses, self._steps = [], []
        return values


def balanced_weights(labels: Sequence[int] | np.ndarray, *, n_classes: int) -> list[float]:
    """C weights N / (C * rows of the class); their mean over the N rows is 1.

    The formula of scikit-learn's class_weight="balanced". ValueError when a class has no row.
    """
    counts = np.bincount(np.asarray(labels), minlength=n_classes)
    if (counts == 0).any():
        raise ValueError(f"class {int(np.argmin(counts))} has no training row to balance")
    return [float(weight) for weight in len(labels) / (n_classes * counts)]
