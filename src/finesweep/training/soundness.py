"""Whether this process can still compute after an error in it.

Two errors outlast the run that met them. oneDNN, once it has found no memory for a kernel, compiles
none in that thread any more: Xbyak's error state, which nothing clears. And a CUDA context is lost
after an illegal access or a failed assertion on the device.
"""

from __future__ import annotations

from itertools import count

import torch

from finesweep.errors import reason

_SIZES = count(1009)
"""Of tensors, each a new one: oneDNN would reuse the kernels of a size that it has seen."""


def why_unsound() -> str | None:
    """The error of a small computation on a device that this process uses; None when there is
    none."""
    devices = ["cpu", *(["cuda"] if torch.cuda.is_initialized() else [])]  # type: ignore[no-untyped-call]
    for device in devices:
        try:
            torch.nn.functional.gelu(torch.ones(next(_SIZES), device=device)).sum().item()
        except torch.OutOfMemoryError:
            continue  # another process may have the device's memory: nothing is lost
        except Exception as error:
            return reason(error)
    return None
