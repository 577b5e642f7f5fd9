"""Which number formats the CPU and the GPU really multiply, by multiplying."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

from finesweep.setup.doctor.findings import Finding, ok
from finesweep.sweep.launchers.gpus import visible_gpus

if TYPE_CHECKING:
    import torch

SIZE = 512
"""Rows and columns of the square matrices."""
TOLERANCE = 0.05
"""Largest relative error of a product that counts as right: bf16 has 8 bits."""
SECONDS = 0.2
"""Time for each format: enough to see whether it works, no benchmark."""
DTYPES = {"fp32": "float32", "bf16": "bfloat16", "fp16": "float16"}


def precision() -> Finding:
    """The formats that work on the device that would train, their speed, and what `auto` takes."""
    import torch

    from finesweep.training.precision import resolve_precision

    has_gpu = torch.cuda.is_available()
    device = "cuda" if has_gpu else "cpu"
    speeds = {name: _speed(torch, getattr(torch, dtype), device) for name, dtype in DTYPES.items()}
    listing = ", ".join(f"{name} {text}" for name, text in speeds.items())
    where = torch.cuda.get_device_name(0) if has_gpu else f"cpu, {torch.get_num_threads()} threads"
    message = f"{where}: {listing}; training.precision=auto is {resolve_precision('auto')}"
    if not has_gpu and visible_gpus(os.environ):
        message = f"torch {torch.__version__} cannot use the GPU; {message}"
        return Finding("precision", "broken", message, "pip install torch with CUDA: pytorch.org")
    if not speeds["fp32"].endswith("FLOP/s"):
        return Finding("precision", "broken", message, "pip install --force-reinstall torch")
    return ok("precision", f"torch {torch.__version__} on {message}")


def _speed(torch_module: object, dtype: torch.dtype, device: str) -> str:
    """The speed of a product in this format, or why there is none."""
    import torch

    generator = torch.Generator().manual_seed(0)
    left, right = (torch.rand(SIZE, SIZE, generator=generator) for _ in range(2))
    a, b = left.to(device, dtype), right.to(device, dtype)
    try:
        product = (a @ b).float().cpu()
    except RuntimeError as error:
        return f"refused ({str(error).splitlines()[0][:60]})"
    if not torch.allclose(product, left @ right, rtol=TOLERANCE):
        return "wrong"
    n, began = 0, time.perf_counter()
    while (seconds := time.perf_counter() - began) < SECONDS:
        a @ b
        if device == "cuda":
            torch.cuda.synchronize()
        n += 1
    flops = 2 * SIZE**3 * n / seconds
    return f"{flops / 1e12:.1f} TFLOP/s" if flops >= 1e12 else f"{flops / 1e9:.0f} GFLOP/s"
