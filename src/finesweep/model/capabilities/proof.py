"""Proof that two ways of running a model are equivalent, by its logits and gradients."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from transformers import PreTrainedModel

from finesweep.model.capabilities.anatomy import Inputs

ROUNDING = 3e-4
"""Tolerance relative to the largest value; float32 errs by 1e-6 in small models, 1e-4 in deep."""
N_WEIGHTS = 32
"""Number of weights whose gradients are compared: the smallest, since others cost more."""


Outputs = tuple[torch.Tensor, Sequence[torch.Tensor | None]]


def logits_and_gradients(model: PreTrainedModel, inputs: Inputs) -> Outputs:
    """The logits, and the gradients of a weighted sum of them for the smallest trainable weights;
    None for weights without influence."""
    trained = sorted((p for p in model.parameters() if p.requires_grad), key=torch.numel)
    with torch.enable_grad():
        logits = model(**inputs).logits
        signs = torch.arange(1, logits.numel() + 1, device=logits.device).view(logits.shape).sin()
        gradients = torch.autograd.grad(
            (logits.float() * signs).sum(), trained[:N_WEIGHTS], allow_unused=True
        )
    return logits.detach(), gradients


def alike(one: Outputs, other: Outputs, *, rounding: float = ROUNDING) -> bool:
    """Whether logits are equal, and gradients relative to the largest gradient: some are pure
    rounding errors, such as those of key biases."""
    gradients = [each for each in one[1] if each is not None]
    scale = max((float(each.abs().max()) for each in gradients), default=0.0)
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
    """Whether both are equal up to rounding, relative to scale, or else to the largest value; None
    equals None."""
    if one is None or other is None:
        return one is other
    if one.shape != other.shape or not one.numel():
        return one.shape == other.shape
    size = float(one.abs().max()) if scale is None else scale
    return torch.allclose(one, other, rtol=0.0, atol=rounding * size)
