"""The number format of training: as configured, or the best one of this machine."""

from __future__ import annotations

import time
from functools import cache

import torch

from finesweep.errors import ConfigError, Problem

MIN_SPEEDUP = 1.2
"""How much faster than fp32 bf16 products must be, since converting to and from bf16 costs time."""
SHAPE = (2048, 768, 768)
"""Tokens, input width and output width of one layer's product."""
N_TIMED = 7


def resolve_precision(precision: str) -> str:
    """fp32, bf16 or fp16 for this machine; ConfigError when it does not support the choice."""
    cuda = torch.cuda.is_available()
    if precision == "fp16" and not cuda:
        raise ConfigError(Problem("training.precision", "fp16 needs a GPU; use auto, bf16 or fp32"))
    if precision == "bf16" and cuda and not is_native("bf16"):
        raise ConfigError(Problem("training.precision", "this GPU has no bf16; use auto or fp16"))
    if precision != "auto":
        return precision
    if is_native("bf16") and (cuda or bf16_speed() >= MIN_SPEEDUP):
        return "bf16"
    return "fp16" if cuda else "fp32"


def is_native(precision: str) -> bool:
    """Whether this machine supports the format in hardware, without emulation."""
    if precision == "fp32":
        return True
    if torch.cuda.is_available():
        # Older GPUs emulate bf16, slower than fp16, and would count as supporting it.
        return precision == "fp16" or torch.cuda.is_bf16_supported(including_emulation=False)
    return precision == "bf16" and (
        torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()
    )


def device_name() -> str:
    """The GPU that trains, or the CPU's instruction set, on which the bits of a result depend."""
    if torch.cuda.is_available():
        return torch.cuda.get_device_name()
    return f"CPU with {torch.backends.cpu.get_cpu_capability()}"


@cache
def bf16_speed() -> float:
    """This CPU's speed in bf16 as a multiple of fp32; measured once, in about 0.1 s.

    Having the instruction is not enough: without AMX some CPUs are slower in bf16 than in fp32.
    """
    seconds = {
        dtype: _seconds(torch.ones(SHAPE[:2], dtype=dtype), torch.ones(SHAPE[1:], dtype=dtype))
        for dtype in (torch.float32, torch.bfloat16)
    }
    return seconds[torch.float32] / seconds[torch.bfloat16]


def _seconds(left: torch.Tensor, right: torch.Tensor) -> float:
    """The shortest time of several products, after one to warm up."""
    seconds = []
    for _ in range(N_TIMED + 1):
        began = time.perf_counter()
        left @ right
        seconds.append(time.perf_counter() - began)
    return min(seconds[1:])
