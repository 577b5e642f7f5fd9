"""States of one split's rows, in files that processes share.

cache/activations/KEY/SPLIT.states    [all tokens, H], the rows one after another
cache/activations/KEY/SPLIT.filled    [N] bytes: 1 if the row is cached
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import torch

from finesweep.caches import USED, get_or_build
from finesweep.training.activation_cache.layout import Lengths
from finesweep.training.activation_cache.spans import Spans

BITS: dict[torch.dtype, Any] = {
    torch.float32: np.float32,
    torch.float16: np.float16,
    torch.bfloat16: np.int16,
}
"""numpy has no bfloat16; its bits are stored as int16."""


class StateFile:
    """States of one split's rows, in two memory-mapped files that processes share."""

    def __init__(self, folder: Path, split: str, spans: Spans, *, size: int, dtype: torch.dtype):
        self.spans = spans
        shape = (spans.n_tokens, size)
        mapped = np.memmap(folder / f"{split}.states", BITS[dtype], "r+", shape=shape)
        self.states = torch.from_numpy(mapped).view(dtype)
        """[all tokens, H] in dtype; writing into it writes the file."""
        self.filled = np.memmap(folder / f"{split}.filled", np.uint8, "r+", shape=(len(spans),))

    def has(self, rows: np.ndarray) -> np.ndarray:
        """[B] bool."""
        return np.asarray(self.filled[rows], dtype=bool)

    def write(self, rows: np.ndarray, states: torch.Tensor) -> None:
        """Writes states [B, L, H], then marks the rows as filled: a kill in between leaves them
        unmarked."""
        self.spans.scatter(self.states, torch.from_numpy(rows), states.cpu())
        self.filled[rows] = 1


def allocate(folder: Path, lengths: Lengths, size: int, dtype: torch.dtype) -> Path:
    """The folder, with files large enough for the states of every row."""

    def write(aside: Path) -> None:
        for split, each in lengths.items():
            n_bytes = int(each.sum()) * size * np.dtype(BITS[dtype]).itemsize
            for name, length in ((f"{split}.states", n_bytes), (f"{split}.filled", len(each))):
                with (aside / name).open("wb") as file:
                    _reserve(file.fileno(), length)

    return get_or_build(folder, write)


def open_files(
    folder: Path, lengths: Lengths, size: int, dtype: torch.dtype, *, pads_left: bool = False
) -> dict[str, StateFile]:
    """Split → its file."""
    (folder / USED).touch()
    return {
        split: StateFile(folder, split, Spans(each, pads_left=pads_left), size=size, dtype=dtype)
        for split, each in lengths.items()
    }


def _reserve(descriptor: int, n_bytes: int) -> None:
    """Allocates the space now, OSError when the disk is full: later, a mapped file without space
    would kill the process. The file is sparse on systems without posix_fallocate."""
    if hasattr(os, "posix_fallocate") and n_bytes:
        os.posix_fallocate(descriptor, 0, n_bytes)
    else:
        os.ftruncate(descriptor, n_bytes)
