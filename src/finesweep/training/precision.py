"""The format in which matrices are multiplied, where it is left to the machine."""

from __future__ import annotations

import time
from functools import cache

import torch

from finesweep.errors import ConfigError, Problem

WORTH = 1.2
"""Times as fast as fp32 that bf16 must be: around its products values are rounded to and fro."""
SHAPE = (2048, 768, 768)
"""Tokens and widths of one layer's product."""
N_TIMED = 7


def resolve_precision(precision: str) -> str:
    """fp32, bf16 or fp16 for this machine; ConfigError when it cannot do what was asked."""
    cuda = torch.cuda.is_available()
    if precision == "fp16" and not cuda:
        raise ConfigError(Problem("training.precision", "fp16 needs a GPU; use auto, bf16 or fp32"))
    if precision == "bf16" and cuda and not is_native("bf16"):
        raise ConfigError(Problem("training.precision", "this GPU has no bf16; use auto or fp16"))
    if precision != "auto":
        return precision
    if is_native("bf16") and (cuda or bf16_speed() >= WORTH):
        return "bf16"
    return "fp16" if cuda else "fp32"


def is_native(precision: str) -> bool:
    """Whether this machine multiplies the format itself, instead of emulating it."""
    if precision == "fp32":
        return True
    if torch.cuda.is_available():
        # Emulation would answer yes on older GPUs, slower than fp16.
        return precision == "fp16" or torch.cuda.is_bf16_supported(including_emulation=False)
    return precision == "bf16" and (
        torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()
    )


@cache
def bf16_speed() -> float:
    """How many times as fast as in fp32 this CPU multiplies in bf16; about 0.1 s, once.

    To have the instruction is not enough: without AMX some CPUs have few units for it, and take
    longer than for fp32.
    """
    taken = {
        dtype: _seconds(torch.ones(SHAPE[:2], dtype=dtype), torch.ones(SHAPE[1:], dtype=dtype))
        for dtype in (torch.float32, torch.bfloat16)
    }
    return taken[torch.float32] / taken[torch.bfloat16]


def _seconds(left: torch.Tensor, right: torch.Tensor) -> float:
    """Of one product, the quickest of several, after one to warm up."""
    taken = []
    for _ in range(N_TIMED + 1):
        began = time.perf_counter()
        left @ right
        taken.append(time.perf_counter() - began)
    return min(taken[1:])
