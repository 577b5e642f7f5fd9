"""The weights that a run trains: which they are, copied out of a model and back into it."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from transformers import PreTrainedModel

from finesweep.errors import FinesweepError


def trainable_weights(model: PreTrainedModel) -> dict[str, torch.nn.Parameter]:
    """The trainable parameters by name; all others stay as loaded."""
    return {
        name: parameter for name, parameter in model.named_parameters() if parameter.requires_grad
    }


def copied_weights(
    weights: Mapping[str, torch.Tensor], *, into: Mapping[str, torch.Tensor] | None = None
) -> dict[str, torch.Tensor]:
    """The weights on the CPU, to save GPU memory, in one buffer for each dtype.

    into is an earlier result for the same weights, whose memory is used again. From a GPU the
    buffer is pinned, so that all copies are queued and the host waits once, not for each weight.
    """
    if not into or not all(_is_copy_of(into.get(name), each) for name, each in weights.items()):
        into = _room_for(weights)
    with torch.no_grad():
        for name, weight in weights.items():
            into[name].copy_(weight, non_blocking=True)
    if any(weight.is_cuda for weight in weights.values()):
        torch.cuda.synchronize()
    return dict(into)


def _room_for(weights: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Uninitialised tensors like the weights: views of one CPU buffer for each dtype."""
    room: dict[str, torch.Tensor] = {}
    for dtype in {weight.dtype for weight in weights.values()}:
        some = {name: each for name, each in weights.items() if each.dtype == dtype}
        sizes = [each.numel() for each in some.values()]
        is_cuda = any(each.is_cuda for each in some.values())
        buffer = torch.empty(sum(sizes), dtype=dtype, pin_memory=is_cuda)
        for (name, each), view in zip(some.items(), torch.split(buffer, sizes), strict=True):
            room[name] = view.view(each.shape)
    return {name: room[name] for name in weights}


def _is_copy_of(copy: torch.Tensor | None, weight: torch.Tensor) -> bool:
    """Whether a weight may be copied there, and quickly."""
    if copy is None or (copy.shape, copy.dtype) != (weight.shape, weight.dtype):
        return False
    return not weight.is_cuda or copy.is_pinned()


def copy_weights(weights: Mapping[str, torch.Tensor], model: PreTrainedModel) -> None:
    """Copies weights into model's trainable parameters; FinesweepError when they do not match."""
    parameters = trainable_weights(model)
    shapes = {name: weight.shape for name, weight in weights.items()}
    if shapes != {name: parameter.shape for name, parameter in parameters.items()}:
        raise FinesweepError(
            "the weights belong to a model of another shape, or with other frozen layers"
        )
    with torch.no_grad():
        for name, parameter in parameters.items():
            parameter.copy_(weights[name])
