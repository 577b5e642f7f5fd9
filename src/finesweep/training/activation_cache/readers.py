"""Readers of cached states, one for each place where they live."""

from __future__ import annotations

from typing import Protocol

import numpy as np
import torch

from finesweep.training.activation_cache.rule import Place
from finesweep.training.activation_cache.state_file import StateFile


class Reader(Protocol):
    """States of one split's rows, on the device that trains, in the dtype of their file."""

    @property
    def is_complete(self) -> bool:
        """Whether every row is there; asking waits for no device."""

    def has(self, rows: np.ndarray) -> np.ndarray:
        """[B] bool."""

    def read(self, rows: torch.Tensor, width: int) -> torch.Tensor:
        """[B, width, H], 0 at padding; valid until the next read."""

    def write(self, rows: np.ndarray, states: torch.Tensor) -> None:
        """Keeps states [B, L, H], also in the file."""


class FileReader:
    """Gathers each batch from the file into memory, pinned or not, and copies it to the device."""

    def __init__(self, file: StateFile, device: torch.device, *, pinned: bool) -> None:
        self.file, self.device = file, device
        self._is_pinned = pinned and device.type == "cuda"
        self._buffers = [_Buffer(), _Buffer()]  # one is copied while the other is filled
        self._is_complete = False

    @property
    def is_complete(self) -> bool:
        self._is_complete = self._is_complete or bool(self.file.filled.all())
        return self._is_complete

    def has(self, rows: np.ndarray) -> np.ndarray:
        return self.file.has(rows)

    def read(self, rows: torch.Tensor, width: int) -> torch.Tensor:
        self._buffers.reverse()
        buffer, table = self._buffers[0], self.file.states
        memory = buffer.of(len(rows) * width, table, pinned=self._is_pinned)
        batch = self.file.spans.gather(table, rows.cpu(), width, into=memory)
        moved = batch.to(self.device, non_blocking=self._is_pinned)
        if self._is_pinned:
            buffer.copied = torch.Event(self.device)
            buffer.copied.record()
        return moved

    def write(self, rows: np.ndarray, states: torch.Tensor) -> None:
        self.file.write(rows, states)


class DeviceReader:
    """Has all states in the device's memory, filled from the file and by `write`."""

    def __init__(self, file: StateFile, device: torch.device) -> None:
        self.file, self.device = file, device
        self._here = np.asarray(file.filled, dtype=bool)  # before loading: later rows may be torn
        self.states = torch.zeros(file.states.shape, dtype=file.states.dtype, device=device)
        if self._here.any():
            self.states.copy_(file.states)
        self.spans = file.spans.on(device)
        self._is_complete = False

    @property
    def is_complete(self) -> bool:
        self._is_complete = self._is_complete or bool(self._here.all())
        return self._is_complete

    def has(self, rows: np.ndarray) -> np.ndarray:
        elsewhere = rows[self.file.has(rows) & ~self._here[rows]]
        if len(elsewhere):  # computed by another process
            self._load(elsewhere)
        here: np.ndarray = self._here[rows]
        return here

    def read(self, rows: torch.Tensor, width: int) -> torch.Tensor:
        return self.spans.gather(self.states, rows.to(self.device, non_blocking=True), width)

    def write(self, rows: np.ndarray, states: torch.Tensor) -> None:
        self.file.write(rows, states)
        self._keep(rows, states)

    def _load(self, rows: np.ndarray) -> None:
        given = torch.from_numpy(rows)
        width = int(self.file.spans.lengths[given].max())
        self._keep(rows, self.file.spans.gather(self.file.states, given, width).to(self.device))

    def _keep(self, rows: np.ndarray, states: torch.Tensor) -> None:
        self.spans.scatter(self.states, torch.from_numpy(rows).to(self.device), states)
        self._here[rows] = True


class _Buffer:
    """Memory of one batch, which grows as needed."""

    def __init__(self) -> None:
        self.copied: torch.Event | None = None
        """When the last copy from it is done."""
        self._memory = torch.empty(0, 0)

    def of(self, n_tokens: int, table: torch.Tensor, *, pinned: bool) -> torch.Tensor:
        """[at least n_tokens, H], once the last copy from it is done."""
        if self.copied is not None:
            self.copied.synchronize()
        if len(self._memory) < n_tokens:
            shape = (n_tokens, table.shape[1])
            self._memory = torch.empty(shape, dtype=table.dtype, pin_memory=pinned)
        return self._memory


def reader(file: StateFile, place: Place, device: torch.device) -> Reader:
    """The reader of a place; on a CPU each works in ordinary memory."""
    if place == "device":
        return DeviceReader(file, device)
    return FileReader(file, device, pinned=place == "pinned")
