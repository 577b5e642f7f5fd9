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

BITS: dict[torch.dtype, Any] = {
    torch.float32: np.float32,
    torch.float16: np.float16,
    torch.bfloat16: np.int16,
}
"""numpy has no bfloat16; its bits are stored as int16."""
TORCH_BITS = {**{each: each for each in BITS}, torch.bfloat16: torch.int16}


class StateFile:
    """States of one split's rows, in two memory-mapped files that processes share."""

    def __init__(
        self, folder: Path, split: str, lengths: np.ndarray, *, size: int, dtype: torch.dtype
    ) -> None:
        self.lengths, self.dtype = lengths, dtype
        self.starts = np.concatenate([[0], np.cumsum(lengths)[:-1]])
        shape = (int(lengths.sum()), size)
        self.states = np.memmap(folder / f"{split}.states", BITS[dtype], "r+", shape=shape)
        self.filled = np.memmap(folder / f"{split}.filled", np.uint8, "r+", shape=(len(lengths),))

    def has(self, rows: np.ndarray) -> np.ndarray:
        return np.asarray(self.filled[rows], dtype=bool)

    def read(self, rows: np.ndarray, width: int, *, pads_left: bool = False) -> torch.Tensor:
        """[B, width, H] float32, zero at padding."""
        batch = np.zeros((len(rows), width, self.states.shape[1]), dtype=self.states.dtype)
        for k, (start, n) in enumerate(zip(self.starts[rows], self.lengths[rows], strict=True)):
            batch[k, _positions(n, pads_left)] = self.states[start : start + n]
        return torch.from_numpy(batch).view(self.dtype).float()

    def write(self, rows: np.ndarray, states: torch.Tensor, *, pads_left: bool = False) -> None:
        """Writes states, then marks the rows as filled: a kill in between leaves them unmarked."""
        values = states.to(self.dtype).cpu().contiguous().view(TORCH_BITS[self.dtype]).numpy()
        for k, (start, n) in enumerate(zip(self.starts[rows], self.lengths[rows], strict=True)):
            self.states[start : start + n] = values[k, _positions(n, pads_left)]
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
    folder: Path, lengths: Lengths, size: int, dtype: torch.dtype
) -> dict[str, StateFile]:
    (folder / USED).touch()
    return {
        split: StateFile(folder, split, each, size=size, dtype=dtype)
        for split, each in lengths.items()
    }


def _reserve(descriptor: int, n_bytes: int) -> None:
    """Allocates the space now, OSError when the disk is full: later, a mapped file without space
    would kill the process. The file is sparse on systems without posix_fallocate."""
    if hasattr(os, "posix_fallocate") and n_bytes:
        os.posix_fallocate(descriptor, 0, n_bytes)
    else:
        os.ftruncate(descriptor, n_bytes)


def _positions(n: int, pads_left: bool) -> slice:
    """The positions of a row's n tokens in its batch."""
    return slice(-n, None) if pads_left else slice(n)
