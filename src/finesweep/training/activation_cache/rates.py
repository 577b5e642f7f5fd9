"""The speed of computing a layer."""

from __future__ import annotations

import time
from functools import cache

import torch
from transformers import PreTrainedModel

from finesweep.model import anatomy_of


@cache
def _flops_per_second() -> float:
    """The speed of a matrix product with this process's threads, measured once."""
    left, right = torch.rand(512, 768), torch.rand(768, 3072)
    torch.mm(left, right)
    began = time.perf_counter()
    for _ in range(5):
        torch.mm(left, right)
    return 5 * 2 * 512 * 768 * 3072 / (time.perf_counter() - began)


def seconds_per_token(model: PreTrainedModel) -> float:
    """The time of one layer's forward pass: two operations for each weight of its matrices."""
    layers = anatomy_of(model).layers
    modules = [model.get_submodule(name) for names in layers for name in names]
    n_weights = sum(p.numel() for module in modules for p in module.parameters())
    seconds: float = 2 * n_weights / len(layers) / _flops_per_second()
    return seconds
