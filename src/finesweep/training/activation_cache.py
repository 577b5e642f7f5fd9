"""The activation cache: the output of frozen layers for each row, on disk, shared by all trials.

With the embeddings and the k lowest layers frozen, their output for a row never changes. The first
trial to process a row caches it; later epochs, trials and workers read it.

cache/activations/KEY/SPLIT.states    [all tokens, H], the rows one after another
cache/activations/KEY/SPLIT.filled    [N] bytes: 1 if the row is cached
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Callable, Hashable
from dataclasses import dataclass, replace
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import torch
from transformers import PreTrainedModel

from finesweep.caches import USED, evict, get_or_build
from finesweep.config import TrainingConfig
from finesweep.ledger import TimeLedger
from finesweep.model import (
    Bypass,
    anatomy_of,
    architecture,
    frozen_depth,
    proven_bypass,
    starting_sha256,
)
from finesweep.model.transformers_private import fields_of
from finesweep.records import Tokens
from finesweep.training.batches import ROW, sample_batch
from finesweep.training.precision import resolve_precision
from finesweep.training.truncation import template_of

CACHED_SPLITS = ("train", "validation")
TOKEN_INPUTS = ("input_ids", "attention_mask", "token_type_ids")
"""The inputs of a batch that are [B, L]."""
Lengths = dict[str, np.ndarray]
"""Split → [N] cached tokens of each row."""
BYTES_PER_SECOND = 1e9
"""Speed of copying states to and from memory; measured values are higher."""
MEMORY_SHARE = 0.5
"""Share of free memory that states may use: read from disk, they would be slower than computing."""
BITS: dict[torch.dtype, Any] = {
    torch.float32: np.float32,
    torch.float16: np.float16,
    torch.bfloat16: np.int16,
}
"""numpy has no bfloat16; its bits are stored as int16."""
DTYPES = {"fp32": torch.float32, "fp16": torch.float16, "bf16": torch.bfloat16}
TORCH_BITS = {**{each: each for each in BITS}, torch.bfloat16: torch.int16}


@dataclass(frozen=True)
class Plan:
    """Whether states are cached, and the estimates behind it."""

    depth: int
    n_bytes: int
    seconds_saved: float
    why_not: str | None
    first_only: bool = False
    """Only each row's first token is cached: the model reads no other."""

    def __str__(self) -> str:
        size = f"{self.n_bytes / 1e6:,.0f} MB, saves about {self.seconds_saved:.0f} s"
        return f"depth {self.depth}: {size}" if self.why_not is None else f"off: {self.why_not}"


@dataclass(frozen=True)
class Facts:
    """The facts that decide whether caching pays."""

    n_bytes: int
    seconds_once: float
    """Time to compute the states of every row once."""
    reads: float
    """How often this trial needs a row's states, on average."""
    shared: bool
    """Whether other trials may need them too."""
    free_memory_bytes: int
    budget_bytes: int
    first_only: bool = False
    on_gpu: bool = False


def decide(depth: int, facts: Facts) -> Plan:
    """A plan: states are cached if they fit and if reading them is faster than recomputing."""
    repeated = facts.reads - 1 + (1 if facts.shared else 0)
    saved = facts.seconds_once * repeated
    cost = facts.n_bytes / BYTES_PER_SECOND * (facts.reads + 1)
    plan = partial(Plan, depth, facts.n_bytes, saved - cost, first_only=facts.first_only)
    size = f"{facts.n_bytes / 1e9:.1f} GB"
    if facts.n_bytes > facts.budget_bytes:
        return plan(f"{size} exceed storage.cache_gb, {facts.budget_bytes / 1e9:.1f} GB")
    if facts.n_bytes > MEMORY_SHARE * facts.free_memory_bytes:
        return plan(f"{size} exceed half of the free memory")
    if facts.on_gpu:
        # The estimates are for CPUs. States of one token are small, and replace all layers, so
        # that caching them pays in any case.
        why = "a GPU computes layers faster than it reads their states"
        return plan(None if facts.first_only else why)
    if saved <= cost:
        return plan(f"reading {size} takes {cost:.0f} s and saves {saved:.0f} s of computing")
    return plan(None)


class ActivationCache:
    """The outputs of one training's frozen layers."""

    def __init__(
        self, bypass: Bypass, tokens: Tokens, *, root: Path, plan: Plan, dtype: torch.dtype
    ) -> None:
        model, anatomy = bypass.model, bypass.anatomy
        self.bypass, self.depth = bypass, plan.depth
        self.first_only, self.pads_left = plan.first_only, tokens.tokenizer.padding_side == "left"
        self.of_all_tokens = plan.depth == len(anatomy.layers) and not plan.first_only
        """Whether all tokens of the last layer's output are cached."""
        self.seconds_per_token = plan.depth * _seconds_per_token(model)
        full_lengths = _lengths(tokens)
        lengths = _cached_lengths(full_lengths, first_only=self.first_only)
        size = anatomy.widths[anatomy.exit(self.depth)]
        key = partial(_folder, root, model, tokens, dtype=dtype)
        folder = key(depth=self.depth, first_only=self.first_only)
        self.stores = _open(_allocate(folder, lengths, size, dtype), lengths, size, dtype)
        below = ((k, key(depth=k)) for k in reversed(bypass.levels))
        self.lower = [
            (k, _open(subfolder, full_lengths, anatomy.widths[anatomy.exit(k)], dtype))
            for k, subfolder in below
            if subfolder.exists()
        ]
        """Shallower depths that have states, the deepest first."""

    def load_states(self, inputs: dict[str, Any], split: str, ledger: TimeLedger) -> dict[str, Any]:
        """The batch for a model entered at `depth`; the bypass now has its states."""
        mask, rows = inputs["attention_mask"], inputs.pop(ROW).cpu().numpy()
        store = self.stores[split]
        width = 1 if self.first_only else mask.shape[1]
        missing = np.flatnonzero(~store.has(rows))
        if len(missing):
            with ledger.on("caching"):
                self._fill(store, split, rows[missing], missing, inputs)
        n_read = int(mask.sum()) - int(mask[torch.from_numpy(missing).to(mask.device)].sum())
        ledger.saved_by_cache += n_read * self.seconds_per_token
        states = store.read(rows, width, pads_left=self.pads_left).to(mask.device)
        self.bypass.set_states(states)
        if self.first_only:
            inputs |= {name: inputs[name][:, :1] for name in TOKEN_INPUTS if name in inputs}
        return inputs

    def _fill(
        self,
        store: _StateFile,
        split: str,
        rows: np.ndarray,
        missing: np.ndarray,
        inputs: dict[str, torch.Tensor],
    ) -> None:
        """Computes and caches rows, which are at the positions `missing` in the batch."""
        mask = inputs["attention_mask"]
        indices = torch.from_numpy(missing).to(mask.device)
        width = int(mask[indices].sum(dim=1).max())
        part = slice(-width, None) if self.pads_left else slice(width)
        subset = {name: inputs[name][indices][:, part] for name in TOKEN_INPUTS if name in inputs}
        level, lower = 0, None
        for depth, stores in self.lower:
            if stores[split].has(rows).all():
                read = stores[split].read(rows, width, pads_left=self.pads_left)
                level, lower = depth, read.to(mask.device)
                break
        with self.bypass.enter_at(level, lower):
            states = self.bypass.states(self.depth, **subset)
        store.write(rows, states[:, :1] if self.first_only else states, pads_left=self.pads_left)


class _StateFile:
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


def plan_activations(
    model: PreTrainedModel,
    tokens: Tokens,
    config: TrainingConfig,
    *,
    root: Path,
    cache_gb: float,
    shared: bool,
) -> tuple[ActivationCache | None, Plan]:
    """The activation cache, or None if it does not pay or the model cannot resume from states; and
    the plan in any case.

    shared: whether other trials may need the states too.
    """
    budget, dtype = int(1e9 * cache_gb), DTYPES[resolve_precision(config.precision)]
    facts = partial(_facts, model, tokens, config, budget_bytes=budget, shared=shared, dtype=dtype)
    plan, bypass = _choose_plan(model, tokens, facts)
    if bypass is None:
        return None, plan
    folder = _folder(root, model, tokens, dtype=dtype, depth=plan.depth, first_only=plan.first_only)
    if not folder.exists() and not evict(root, plan.n_bytes, budget_bytes=budget):
        return None, replace(plan, why_not="the disk is too full")
    try:
        return ActivationCache(bypass, tokens, root=root, plan=plan, dtype=dtype), plan
    except OSError as error:
        return None, replace(plan, why_not=str(error))


def _choose_plan(
    model: PreTrainedModel, tokens: Tokens, facts: Callable[..., Facts]
) -> tuple[Plan, Bypass | None]:
    """The plan, and the bypass if states are cached."""
    depth = frozen_depth(model)
    off = partial(Plan, depth, 0, 0.0)
    if depth == 0:
        return off("no layer is frozen"), None
    if torch.cuda.device_count() > 1:
        return off("several GPUs share each batch"), None
    anatomy = anatomy_of(model)
    if anatomy.exit(depth) not in anatomy.widths:
        return off(str(_bypass(model, tokens, depth, first_only=False))), None
    why = ""
    for first_only in (True, False) if depth == len(anatomy.layers) else (False,):
        plan = decide(depth, facts(depth, first_only=first_only))
        if plan.why_not is not None:
            return plan, None
        if isinstance(bypass := _bypass(model, tokens, depth, first_only=first_only), Bypass):
            return plan, bypass
        why = bypass
    return off(why), None


_failures: dict[Hashable, str] = {}
"""Why there is no bypass, for what this process has tried."""


def _bypass(
    model: PreTrainedModel, tokens: Tokens, depth: int, *, first_only: bool
) -> Bypass | str:
    """A proven bypass, or why there is none; a failure is tried once per architecture and depth."""
    key = (architecture(model), tokens.pairs, tokens.tokenizer.padding_side, depth, first_only)
    if key in _failures:
        return _failures[key]
    bypass = proven_bypass(model, depth, sample_batch(tokens, tokens.train), first_only=first_only)
    if isinstance(bypass, str):
        _failures[key] = bypass
    return bypass


def _facts(
    model: PreTrainedModel,
    tokens: Tokens,
    config: TrainingConfig,
    depth: int,
    *,
    budget_bytes: int,
    shared: bool,
    dtype: torch.dtype,
    first_only: bool,
) -> Facts:
    anatomy, lengths = anatomy_of(model), _lengths(tokens)
    item = torch.empty((), dtype=dtype).element_size()
    n_cached = sum(
        int(each.sum()) for each in _cached_lengths(lengths, first_only=first_only).values()
    )
    n_train, n_validation = (int(lengths[split].sum()) for split in CACHED_SPLITS)
    n_evaluations = config.epochs * config.evaluations_per_epoch
    reads = config.epochs * n_train + n_evaluations * n_validation
    return Facts(
        n_bytes=n_cached * anatomy.widths[anatomy.exit(depth)] * item,
        seconds_once=_seconds_per_token(model) * depth * (n_train + n_validation),
        reads=reads / (n_train + n_validation),
        shared=shared,
        free_memory_bytes=psutil.virtual_memory().available,
        budget_bytes=budget_bytes,
        first_only=first_only,
        on_gpu=torch.cuda.is_available(),
    )


def activation_key(
    model: PreTrainedModel,
    tokens: Tokens,
    depth: int,
    dtype: torch.dtype,
    *,
    first_only: bool = False,
) -> str:
    """The name of the states, from weights, architecture, depth, rows, length and dtype."""
    levels = anatomy_of(model).levels

    def is_below(name: str) -> bool:
        return levels.get(name, 0) <= depth  # buffers and tied weights count as below

    config = fields_of(model.config)
    for name in ("id2label", "label2id", "num_labels", "problem_type"):
        config.pop(name, None)
    identity = {
        "weights": starting_sha256(model, is_below),
        "config": config,
        "depth": depth,
        "first_only": first_only,
        "tokens": tokens.key,
        "max_length": tokens.max_length,
        "padding": (tokens.tokenizer.padding_side, tokens.tokenizer.model_input_names),
        "dtype": str(dtype),
        "boot": _this_boot(),
    }
    return hashlib.sha256(json.dumps(identity, sort_keys=True, default=str).encode()).hexdigest()[
        :32
    ]


def _folder(
    root: Path,
    model: PreTrainedModel,
    tokens: Tokens,
    *,
    dtype: torch.dtype,
    depth: int,
    first_only: bool = False,
) -> Path:
    return root / "activations" / activation_key(model, tokens, depth, dtype, first_only=first_only)


def _allocate(folder: Path, lengths: Lengths, size: int, dtype: torch.dtype) -> Path:
    """The folder, with files large enough for the states of every row."""

    def write(aside: Path) -> None:
        for split, each in lengths.items():
            n_bytes = int(each.sum()) * size * np.dtype(BITS[dtype]).itemsize
            for name, length in ((f"{split}.states", n_bytes), (f"{split}.filled", len(each))):
                with (aside / name).open("wb") as file:
                    _reserve(file.fileno(), length)

    return get_or_build(folder, write)


def _open(folder: Path, lengths: Lengths, size: int, dtype: torch.dtype) -> dict[str, _StateFile]:
    (folder / USED).touch()
    return {
        split: _StateFile(folder, split, each, size=size, dtype=dtype)
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


def _lengths(tokens: Tokens) -> Lengths:
    template = template_of(tokens)
    splits = {"train": tokens.train, "validation": tokens.validation}
    return {name: template.lengths(split) for name, split in splits.items()}


def _cached_lengths(lengths: Lengths, *, first_only: bool) -> Lengths:
    return {k: np.ones_like(each) if first_only else each for k, each in lengths.items()}


@cache
def _flops_per_second() -> float:
    """The speed of a matrix product with this process's threads, measured once."""
    left, right = torch.rand(512, 768), torch.rand(768, 3072)
    torch.mm(left, right)
    began = time.perf_counter()
    for _ in range(5):
        torch.mm(left, right)
    return 5 * 2 * 512 * 768 * 3072 / (time.perf_counter() - began)


def _seconds_per_token(model: PreTrainedModel) -> float:
    """The time of one layer's forward pass: two operations for each weight of its matrices."""
    layers = anatomy_of(model).layers
    modules = [model.get_submodule(name) for names in layers for name in names]
    n_weights = sum(p.numel() for module in modules for p in module.parameters())
    seconds: float = 2 * n_weights / len(layers) / _flops_per_second()
    return seconds


def _this_boot() -> str:
    """The boot id: marks and states reach the disk in any order, so a crash invalidates both."""
    boot = Path("/proc/sys/kernel/random/boot_id")
    return boot.read_text().strip() if boot.exists() else ""
