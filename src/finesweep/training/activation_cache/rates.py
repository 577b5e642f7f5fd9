"""The rates of this machine, each measured once in a process."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Hashable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import torch
from transformers import PreTrainedModel

from finesweep.caches import capacity_bytes
from finesweep.records import Tokens
from finesweep.training.activation_cache.layer_time import layer_seconds
from finesweep.training.activation_cache.rule import Rates
from finesweep.training.activation_cache.timing import Mark, mark, seconds_of
from finesweep.training.truncation import template_of

READ_SHAPE = (2048, 768)
"""Tokens and width of the states that are read and copied to measure: 6.3 MB in float32."""
CPU_TOKENS = 64
"""Tokens of the rows that are timed on a CPU, but at least one row."""
N_MOVES = 5
TRAINING_BYTES = 16
"""Of a trained float32 weight: itself, its gradient and two moments; a frozen one takes 4."""


def measured_rates(
    model: PreTrainedModel,
    tokens: Tokens,
    row: int,
    *,
    n_rows: int,
    device: torch.device,
    dtype: torch.dtype,
    root: Path,
) -> Rates:
    """The rates for a batch of n_rows rows like this one of the training split.

    dtype: the precision of training. root: the folder of the caches.
    """
    inputs = _inputs(tokens, row)
    length = inputs["input_ids"].shape[1]
    # On a CPU time grows with the number of rows, so a few are enough.
    n_timed = min(n_rows, max(1, CPU_TOKENS // length)) if device.type == "cpu" else n_rows
    key = (_name(device), dtype, (n_timed, length), type(model), model.config.to_json_string())
    if key not in _measured:
        batch = {name: each.repeat(n_timed, 1).to(device) for name, each in inputs.items()}
        _measured[key] = layer_seconds(model, batch, device=device, dtype=dtype)
    return Rates(
        device=device.type,
        layer_seconds=_measured[key] * n_rows / n_timed,
        read_bytes_per_second=read_bytes_per_second(root),
        copy_bytes_per_second=copy_bytes_per_second(device),
        device_free_bytes=_device_free_bytes(model, device),
        host_free_bytes=psutil.virtual_memory().available,
        disk_free_bytes=capacity_bytes(root),
    )


def _inputs(tokens: Tokens, row: int) -> dict[str, torch.Tensor]:
    """Model inputs [1, L] of one training row."""
    template, rows = template_of(tokens), [tokens.train[row]]
    ids = torch.tensor(template.inputs(rows))
    inputs = {"input_ids": ids, "attention_mask": torch.ones_like(ids)}
    if template.types is not None:
        inputs["token_type_ids"] = torch.tensor(template.input_types(rows))
    return inputs


_measured: dict[Hashable, float] = {}
"""Seconds of one layer, by device, dtype, shape and model."""


def _name(device: torch.device) -> str:
    return torch.cuda.get_device_name(device) if device.type == "cuda" else device.type


@cache
def read_bytes_per_second(root: Path) -> float:
    """Gathering rows in random order from a file of root, in the page cache, into a buffer."""
    root.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryFile(dir=root) as file:
        table = torch.from_numpy(np.memmap(file, np.float32, "w+", shape=READ_SHAPE))
        table.fill_(1.0)
        rows = torch.from_numpy(np.random.default_rng(0).permutation(len(table)))
        buffer = torch.empty_like(table)
        return _bytes_per_second(
            table, torch.device("cpu"), lambda: torch.index_select(table, 0, rows, out=buffer)
        )


@cache
def copy_bytes_per_second(device: torch.device) -> float:
    """Copying from memory, pinned for CUDA, to the device; infinite if that is a CPU."""
    if device.type == "cpu":
        return float("inf")
    source = torch.ones(READ_SHAPE, pin_memory=device.type == "cuda")
    target = torch.empty(READ_SHAPE, device=device)
    return _bytes_per_second(source, device, lambda: target.copy_(source, non_blocking=True))


def _bytes_per_second(moved: torch.Tensor, device: torch.device, move: Callable[[], Any]) -> float:
    def timed() -> tuple[Mark, Mark]:
        began = mark(device)
        move()
        return began, mark(device)

    return moved.nbytes / seconds_of(timed, n_timed=N_MOVES)


def _device_free_bytes(model: PreTrainedModel, device: torch.device) -> int:
    """Free memory of the device once the weights and the optimizer are there; 0 if not known."""
    if device.type != "cuda":
        return 0
    sizes = (p.numel() * (TRAINING_BYTES if p.requires_grad else 4) for p in model.parameters())
    free, _ = torch.cuda.mem_get_info(device)
    return int(free - sum(sizes))
