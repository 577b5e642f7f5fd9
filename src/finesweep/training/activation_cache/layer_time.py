"""The time of one layer's forward pass on the device that trains."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import nullcontext, suppress
from typing import Any

import torch
from torch.func import functional_call
from transformers import PreTrainedModel

from finesweep.model.capabilities.anatomy import anatomy_of, quiet
from finesweep.training.activation_cache.timing import Mark, mark, seconds_of

N_PASSES = 2


def layer_seconds(
    model: PreTrainedModel,
    inputs: Mapping[str, torch.Tensor],
    *,
    device: torch.device,
    dtype: torch.dtype,
) -> float:
    """Seconds of the lowest layer's forward pass for inputs [B, L], which are on the device.

    dtype: the precision of training. model stays where it is: only what runs up to the layer's end
    is copied to the device.
    """
    anatomy = anatomy_of(model)
    weights = {
        name: parameter.detach().to(device)
        for name, parameter in model.named_parameters()
        if anatomy.levels.get(name, 0) <= 1
    }
    weights |= {name: buffer.to(device) for name, buffer in model.named_buffers()}
    marks: list[Mark] = []

    def begin(*_: Any) -> None:
        marks.append(mark(device))

    def end(*_: Any) -> None:
        marks.append(mark(device))
        raise _EndedError

    def run() -> tuple[Mark, Mark]:
        marks.clear()
        with suppress(_EndedError):
            functional_call(model, weights, kwargs=dict(inputs))
        began, *_, ended = marks
        return began, ended

    first, last = (model.get_submodule(anatomy.layers[0][k]) for k in (0, -1))
    hooks = [first.register_forward_pre_hook(begin), last.register_forward_hook(end)]
    is_full = dtype == torch.float32
    precision = nullcontext() if is_full else torch.autocast(device.type, dtype)
    try:
        with torch.no_grad(), quiet(model), precision:
            return seconds_of(run, n_timed=N_PASSES)
    finally:
        for hook in hooks:
            hook.remove()


class _EndedError(Exception):
    """Raised when the layer has run."""
