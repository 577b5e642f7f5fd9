"""A process whose oneDNN finds no memory for a kernel, as when the address space is used up."""

from __future__ import annotations

import mmap
import resource
from contextlib import suppress
from typing import Any

import psutil
import torch

LEFT_BYTES = 16 * 1024**2


def find_no_kernel(*args: Any) -> None:
    """Raises oneDNN's own error, and leaves this thread without new kernels."""
    texts, limits = torch.ones(7, 11), resource.getrlimit(resource.RLIMIT_AS)
    least = psutil.Process().memory_info().vms + LEFT_BYTES
    pages = []
    resource.setrlimit(resource.RLIMIT_AS, (least, limits[1]))
    try:
        with suppress(OSError):
            while True:
                pages.append(mmap.mmap(-1, mmap.PAGESIZE))
        torch.nn.functional.gelu(texts)
    finally:
        for page in pages:
            page.close()
        resource.setrlimit(resource.RLIMIT_AS, limits)
