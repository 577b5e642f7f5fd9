"""What it takes to show that two ways through a model are one: its answers, and what it learns."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from transformers import PreTrainedModel

from finesweep.model.capabilities.anatomy import Inputs

ROUNDING = 3e-4
"""Of the largest value: float32 brings 1e-6 in a small model, 1e-4 in a deep one."""
N_WEIGHTS = 32
"""Of which gradients are compared: the smallest, since the others cost more and say the same."""


Answers = tuple[torch.Tensor, Sequence[torch.Tensor | None]]


def answers(model: PreTrainedModel, inputs: Inputs) -> Answers:
    """The logits, and the gradients of a sum of them for the smallest weights that are trained;
    None where they do not matter."""
    trained = sorted((p for p in model.parameters() if p.requires_grad), key=torch.numel)
    with torch.enable_grad():
        logits = model(**inputs).logits
        signs = torch.arange(1, logits.numel() + 1, device=logits.device).view(logits.shape).sin()
        gradients = torch.autograd.grad(
            (logits.float() * signs).sum(), trained[:N_WEIGHTS], allow_unused=True
        )
    return logits.detach(), gradients


def alike(one: Answers, other: Answers, *, rounding: float = ROUNDING) -> bool:
    """Whether logits are equal, and gradients are by the measure of the largest: some are nothing
    but rounding, such as those of the biases of keys."""
    known = [each for each in one[1] if each is not None]
    scale = max((float(each.abs().max()) for each in known), default=0.0)
    return close(one[0], other[0], rounding=rounding) and all(
        close(first, second, scale=scale, rounding=rounding)
        for first, second in zip(one[1], other[1], strict=True)
    )


def close(
    one: torch.Tensor | None,
    other: torch.Tensor | None,
    *,
    scale: float | None = None,
    rounding: float = ROUNDING,
) -> bool:
    """Equal but for rounding, by the measure of a scale, else of the largest value; None is equal
    to None."""
    if one is None or other is None:
        return one is other
    if one.shape != other.shape or not one.numel():
        return one.shape == other.shape
    measure = float(one.abs().max()) if scale is None else scale
    return torch.allclose(one, other, rtol=0.0, atol=rounding * measure)
