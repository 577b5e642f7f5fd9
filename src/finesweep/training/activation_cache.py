"""Frozen layers computed once: their output for each row, kept on disk and shared by all trials.

With the embeddings and the k lowest layers frozen, what these make of a row never changes. The
first trial that meets a row writes it while using it; later epochs, trials and workers read it.

cache/activations/KEY/SPLIT.states    [all tokens, H] of the rows one after another
cache/activations/KEY/SPLIT.filled    [N] bytes: 1 where the row has been written
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
from finesweep.records import Tokens
from finesweep.training.batches import ROW, sample_batch
from finesweep.training.precision import resolve_precision
from finesweep.training.truncation import template_of

SPLITS = ("train", "validation")
OF_TOKENS = ("input_ids", "attention_mask", "token_type_ids")
"""Of a batch what is [B, L]."""
Lengths = dict[str, np.ndarray]
"""Split → [N] tokens that each row keeps."""
BYTES_PER_SECOND = 1e9
"""Of copying states to and from memory; measured values lie above it."""
MEMORY_SHARE = 0.5
"""Of the memory that is free: states that do not stay in it are slower than computing them."""
BITS: dict[torch.dtype, Any] = {
    torch.float32: np.float32,
    torch.float16: np.float16,
    torch.bfloat16: np.int16,
}
"""numpy has no bfloat16; its bits are kept."""
DTYPES = {"fp32": torch.float32, "fp16": torch.float16, "bf16": torch.bfloat16}
TORCH_BITS = {**{each: each for each in BITS}, torch.bfloat16: torch.int16}


@dataclass(frozen=True)
class Plan:
    """Whether the states are kept, and what was predicted."""

    depth: int
    n_bytes: int
    seconds_saved: float
    why_not: str | None
    first_only: bool = False
    """The states of each row's first token alone are kept: nothing else is read of them."""

    def __str__(self) -> str:
        size = f"{self.n_bytes / 1e6:,.0f} MB, saves about {self.seconds_saved:.0f} s"
        return f"depth {self.depth}: {size}" if self.why_not is None else f"off: {self.why_not}"


@dataclass(frozen=True)
class Facts:
    """What the decision is made from."""

    n_bytes: int
    seconds_once: float
    """To compute the states of every row once."""
    reads: float
    """How often a row's states are needed in this trial, on average."""
    shared: bool
    """Other trials may need them too."""
    free_memory_bytes: int
    budget_bytes: int
    first_only: bool = False
    on_gpu: bool = False


def decide(depth: int, facts: Facts) -> Plan:
    """Keeps states where they fit and where reading them is cheaper than computing them again."""
    repeated = facts.reads - 1 + (1 if facts.shared else 0)
    saved = facts.seconds_once * repeated
    cost = facts.n_bytes / BYTES_PER_SECOND * (facts.reads + 1)
    plan = partial(Plan, depth, facts.n_bytes, saved - cost, first_only=facts.first_only)
    size = f"{facts.n_bytes / 1e9:.1f} GB"
    if facts.n_bytes > facts.budget_bytes:
        return plan(f"{size} are more than storage.cache_gb, {facts.budget_bytes / 1e9:.1f} GB")
    if facts.n_bytes > MEMORY_SHARE * facts.free_memory_bytes:
        return plan(f"{size} are more than half of the free memory")
    if facts.on_gpu:
        # What a CPU would take says nothing of it. States of one token are few, and all layers
        # that they stand for are many, so that there is no doubt.
        why = "a GPU computes layers faster than their states are read"
        return plan(None if facts.first_only else why)
    if saved <= cost:
        return plan(f"reading {size} costs {cost:.0f} s and saves {saved:.0f} s of computing")
    return plan(None)


class Prefix:
    """The states of one training's frozen layers."""

    def __init__(
        self, bypass: Bypass, tokens: Tokens, *, root: Path, plan: Plan, dtype: torch.dtype
    ) -> None:
        model, anatomy = bypass.model, bypass.anatomy
        self.bypass, self.depth = bypass, plan.depth
        self.first_only, self.pads_left = plan.first_only, tokens.tokenizer.padding_side == "left"
        self.of_all_tokens = plan.depth == len(anatomy.layers) and not plan.first_only
        """Whether it keeps all that the last layer makes, and not what the first token is made of.
        """
        self.seconds_per_token = plan.depth * _seconds_per_token(model)
        whole = _lengths(tokens)
        kept = _kept(whole, first_only=self.first_only)
        size = anatomy.widths[anatomy.exit(self.depth)]
        key = partial(_folder, root, model, tokens, dtype=dtype)
        folder = key(depth=self.depth, first_only=self.first_only)
        self.stores = _opened(_made(folder, kept, size, dtype), kept, size, dtype)
        below = ((k, key(depth=k)) for k in reversed(bypass.levels))
        self.lower = [
            (k, _opened(one, whole, anatomy.widths[anatomy.exit(k)], dtype))
            for k, one in below
            if one.exists()
        ]
        """Depths below with states of their own, the deepest first."""

    def replaced(self, inputs: dict[str, Any], split: str, ledger: TimeLedger) -> dict[str, Any]:
        """The batch for a model entered at `depth`, whose states the bypass now holds."""
        mask, rows = inputs["attention_mask"], inputs.pop(ROW)
        places = rows.cpu().numpy()
        store = self.stores[split]
        width = 1 if self.first_only else mask.shape[1]
        missing = np.flatnonzero(~store.has(places))
        if len(missing):
            with ledger.on("caching"):
                self._fill(store, split, places, missing, inputs)
        n_read = int(mask.sum()) - int(mask[torch.from_numpy(missing).to(mask.device)].sum())
        ledger.saved_by_cache += n_read * self.seconds_per_token
        states = store.read(places, width, pads_left=self.pads_left).to(mask.device)
        self.bypass.enter(states)
        if self.first_only:
            inputs |= {name: inputs[name][:, :1] for name in OF_TOKENS if name in inputs}
        return inputs

    def _fill(
        self,
        store: _StateFile,
        split: str,
        places: np.ndarray,
        missing: np.ndarray,
        inputs: dict[str, torch.Tensor],
    ) -> None:
        """Computes the missing rows of a batch, and stores them."""
        mask, rows = inputs["attention_mask"], places[missing]
        chosen = torch.from_numpy(missing).to(mask.device)
        width = int(mask[chosen].sum(dim=1).max())
        cut = slice(-width, None) if self.pads_left else slice(width)
        few = {name: inputs[name][chosen][:, cut] for name in OF_TOKENS if name in inputs}
        level, lower = 0, None
        for depth, stores in self.lower:
            if stores[split].has(rows).all():
                read = stores[split].read(rows, width, pads_left=self.pads_left)
                level, lower = depth, read.to(mask.device)
                break
        with self.bypass.entered(level, lower):
            made = self.bypass.states(self.depth, **few)
        store.write(rows, made[:, :1] if self.first_only else made, pads_left=self.pads_left)


class _StateFile:
    """States of one split's rows, in two files that several processes map."""

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
        """[B, width, H] float32, zero where a row is padded."""
        read = np.zeros((len(rows), width, self.states.shape[1]), dtype=self.states.dtype)
        for k, (start, n) in enumerate(zip(self.starts[rows], self.lengths[rows], strict=True)):
            read[k, _place(n, pads_left)] = self.states[start : start + n]
        return torch.from_numpy(read).view(self.dtype).float()

    def write(self, rows: np.ndarray, states: torch.Tensor, *, pads_left: bool = False) -> None:
        """The mark comes after the states: a process that is killed in between leaves none."""
        values = states.to(self.dtype).cpu().contiguous().view(TORCH_BITS[self.dtype]).numpy()
        for k, (start, n) in enumerate(zip(self.starts[rows], self.lengths[rows], strict=True)):
            self.states[start : start + n] = values[k, _place(n, pads_left)]
        self.filled[rows] = 1


def plan_activations(
    model: PreTrainedModel,
    tokens: Tokens,
    config: TrainingConfig,
    *,
    root: Path,
    cache_gb: float,
    shared: bool,
) -> tuple[Prefix | None, Plan]:
    """The states of the frozen layers where they pay and the model was seen to go on from them as
    if it had made them; and the decision in any case.

    shared says that other trials may need them too.
    """
    budget, dtype = int(1e9 * cache_gb), DTYPES[resolve_precision(config.precision)]
    facts = partial(_facts, model, tokens, config, budget_bytes=budget, shared=shared, dtype=dtype)
    plan, bypass = _planned(model, tokens, facts)
    if bypass is None:
        return None, plan
    folder = _folder(root, model, tokens, dtype=dtype, depth=plan.depth, first_only=plan.first_only)
    if not folder.exists() and not evict(root, plan.n_bytes, budget_bytes=budget):
        return None, replace(plan, why_not="the disk is too full")
    try:
        return Prefix(bypass, tokens, root=root, plan=plan, dtype=dtype), plan
    except OSError as error:
        return None, replace(plan, why_not=str(error))


def _planned(
    model: PreTrainedModel, tokens: Tokens, facts: Callable[..., Facts]
) -> tuple[Plan, Bypass | None]:
    """The decision, and the bypass where states are kept."""
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


_known: dict[Hashable, str] = {}
"""Why there is no bypass, of what was tried in this process."""


def _bypass(
    model: PreTrainedModel, tokens: Tokens, depth: int, *, first_only: bool
) -> Bypass | str:
    """Once for each architecture and depth where it fails; where not, with each model."""
    key = (architecture(model), tokens.pairs, tokens.tokenizer.padding_side, depth, first_only)
    if key in _known:
        return _known[key]
    made = proven_bypass(model, depth, sample_batch(tokens, tokens.train), first_only=first_only)
    if isinstance(made, str):
        _known[key] = made
    return made


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
    n_kept = sum(int(each.sum()) for each in _kept(lengths, first_only=first_only).values())
    n_train, n_validation = (int(lengths[split].sum()) for split in SPLITS)
    n_evaluations = config.epochs * config.evaluations_per_epoch
    reads = config.epochs * n_train + n_evaluations * n_validation
    return Facts(
        n_bytes=n_kept * anatomy.widths[anatomy.exit(depth)] * item,
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
    """Names the states: weights, architecture, depth, rows, length and type of numbers."""
    levels = anatomy_of(model).levels

    def is_below(name: str) -> bool:
        return levels.get(name, 0) <= depth  # buffers, and other names of the same weights, count

    described = model.config.to_dict()
    for name in ("id2label", "label2id", "num_labels", "problem_type", "_name_or_path"):
        described.pop(name, None)
    named = {
        "weights": starting_sha256(model, is_below),
        "config": described,
        "depth": depth,
        "first_only": first_only,
        "tokens": tokens.key,
        "max_length": tokens.max_length,
        "padding": (tokens.tokenizer.padding_side, tokens.tokenizer.model_input_names),
        "dtype": str(dtype),
        "boot": _this_boot(),
    }
    return hashlib.sha256(json.dumps(named, sort_keys=True, default=str).encode()).hexdigest()[:32]


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


def _made(folder: Path, lengths: Lengths, size: int, dtype: torch.dtype) -> Path:
    """folder, whose files now have room for the states of every row."""

    def write(aside: Path) -> None:
        for split, each in lengths.items():
            n_bytes = int(each.sum()) * size * np.dtype(BITS[dtype]).itemsize
            for name, length in ((f"{split}.states", n_bytes), (f"{split}.filled", len(each))):
                with (aside / name).open("wb") as file:
                    _reserve(file.fileno(), length)

    return get_or_build(folder, write)


def _opened(folder: Path, lengths: Lengths, size: int, dtype: torch.dtype) -> dict[str, _StateFile]:
    (folder / USED).touch()
    return {
        split: _StateFile(folder, split, each, size=size, dtype=dtype)
        for split, each in lengths.items()
    }


def _reserve(descriptor: int, n_bytes: int) -> None:
    """Takes the disk now, OSError when it is full: a mapped file that finds none kills its process.

    Where a system cannot, the file is sparse.
    """
    if hasattr(os, "posix_fallocate") and n_bytes:
        os.posix_fallocate(descriptor, 0, n_bytes)
    else:
        os.ftruncate(descriptor, n_bytes)


def _place(n: int, pads_left: bool) -> slice:
    """Of a row's n tokens in its batch."""
    return slice(-n, None) if pads_left else slice(n)


def _lengths(tokens: Tokens) -> Lengths:
    template = template_of(tokens)
    splits = {"train": tokens.train, "validation": tokens.validation}
    return {name: template.lengths(split) for name, split in splits.items()}


def _kept(lengths: Lengths, *, first_only: bool) -> Lengths:
    return {k: np.ones_like(each) if first_only else each for k, each in lengths.items()}


@cache
def _flops_per_second() -> float:
    """Of a matrix product of this process's threads, once measured."""
    left, right = torch.rand(512, 768), torch.rand(768, 3072)
    torch.mm(left, right)
    began = time.perf_counter()
    for _ in range(5):
        torch.mm(left, right)
    return 5 * 2 * 512 * 768 * 3072 / (time.perf_counter() - began)


def _seconds_per_token(model: PreTrainedModel) -> float:
    """Of one layer's forward pass: two operations for each weight of its matrices."""
    layers = anatomy_of(model).layers
    modules = [model.get_submodule(name) for names in layers for name in names]
    n_weights = sum(p.numel() for module in modules for p in module.parameters())
    seconds: float = 2 * n_weights / len(layers) / _flops_per_second()
    return seconds


def _this_boot() -> str:
    """Marks and states reach the disk in any order: after a power cut none is believed."""
    boot = Path("/proc/sys/kernel/random/boot_id")
    return boot.read_text().strip() if boot.exists() else ""
