"""Distillation: the loss of a student that also learns its teacher's logits, row by row.

The soft targets of Hinton, Vinyals and Dean, "Distilling the Knowledge in a Neural Network" (2015),
https://arxiv.org/abs/1503.02531, section 2.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch.nn.functional import kl_div, logsigmoid, softmax

from finesweep.config import DistillationConfig

TEACHER_LOGITS = "teacher_logits"
"""Name of the teacher's logits in a training batch."""


class Distillation:
    """A teacher's logits for the training rows, and the training loss with them."""

    def __init__(
        self, logits: np.ndarray, config: DistillationConfig, *, multi_label: bool
    ) -> None:
        """logits [N, C] float32: of row k of the whole training split at k, labels in the student's
        order."""
        self._logits = torch.from_numpy(logits)
        self._temperature, self._weight = config.temperature, config.weight
        self._soft_loss = multi_label_soft_loss if multi_label else soft_loss

    def logits_of(self, rows: np.ndarray, device: torch.device) -> torch.Tensor:
        """[B, C] of these rows of the split."""
        return self._logits[torch.from_numpy(rows)].to(device, non_blocking=True)

    def mixed(
        self,
        loss: torch.Tensor,
        logits: torch.Tensor,
        teacher_logits: torch.Tensor,
        num_items_in_batch: Any = None,
    ) -> torch.Tensor:
        """The labels' own loss and the teacher's, in the shares of the config.

        The teacher's is divided by the same number of items, so that micro-batches add up.
        """
        soft = self._soft_loss(logits.float(), teacher_logits, temperature=self._temperature)
        n_items = soft.numel() if num_items_in_batch is None else num_items_in_batch
        return (1 - self._weight) * loss + self._weight * soft.sum() / n_items


def soft_loss(
    logits: torch.Tensor, teacher_logits: torch.Tensor, *, temperature: float
) -> torch.Tensor:
    """[B] for logits [B, C]: T² times the divergence of the student's softmax at temperature T from
    the teacher's; 0 where they agree.

    It has the gradient of the paper's cross-entropy, which is larger by the teacher's entropy. T²
    keeps that gradient's size as T grows.
    """
    target = softmax(teacher_logits / temperature, dim=1)
    predicted = torch.log_softmax(logits / temperature, dim=1)
    return temperature**2 * kl_div(predicted, target, reduction="none").sum(dim=1)


def multi_label_soft_loss(
    logits: torch.Tensor, teacher_logits: torch.Tensor, *, temperature: float
) -> torch.Tensor:
    """[B, C], the same for each of C labels on its own: the divergence between two decisions."""
    student, teacher = logits / temperature, teacher_logits / temperature
    positive, negative = torch.sigmoid(teacher), torch.sigmoid(-teacher)
    divergence = positive * (logsigmoid(teacher) - logsigmoid(student))
    divergence = divergence + negative * (logsigmoid(-teacher) - logsigmoid(-student))
    return temperature**2 * divergence
