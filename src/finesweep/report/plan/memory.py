"""The peak of a training's memory: of the process on a CPU, of its tensors on a GPU."""

from __future__ import annotations

import ctypes
import gc
import sys
from contextlib import suppress
from pathlib import Path
from types import TracebackType

import psutil
import torch

STATUS, REFERENCES = Path("/proc/self/status"), Path("/proc/self/clear_refs")


class PeakMemory:
    """Measures a block: before_bytes at its start, peak_bytes within it."""

    def __init__(self, device: torch.device) -> None:
        self.device, self.before_bytes, self.peak_bytes = device, 0, 0

    def __enter__(self) -> PeakMemory:
        gc.collect()
        if self.device.type == "cuda":
            torch.cuda.empty_cache()
            torch.cuda.reset_peak_memory_stats(self.device)
            self.before_bytes = torch.cuda.memory_allocated(self.device)
            return self
        with suppress(OSError, AttributeError):
            ctypes.CDLL(None).malloc_trim(0)  # what earlier trainings freed would hide this one
        with suppress(OSError):
            REFERENCES.write_text("5")  # the peak begins anew: proc(5)
        self.before_bytes = psutil.Process().memory_info().rss
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self.device.type == "cuda":
            self.peak_bytes = torch.cuda.max_memory_allocated(self.device)
        else:
            self.peak_bytes = max(self.before_bytes, _peak_of_process())


def usable_bytes(device: torch.device) -> int:
    """Memory that this process could use: free memory, and what it holds already."""
    if device.type == "cuda":
        free, _ = torch.cuda.mem_get_info(device)
        return int(free) + torch.cuda.memory_reserved(device)
    return int(psutil.virtual_memory().available) + int(psutil.Process().memory_info().rss)


def _peak_of_process() -> int:
    """Peak resident bytes, on Linux since the last reset."""
    if STATUS.exists():
        lines = dict(line.split(":", 1) for line in STATUS.read_text().splitlines())
        return 1024 * int(lines["VmHWM"].split()[0])
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else 1024 * peak
