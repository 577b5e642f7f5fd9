"""Frozen layers computed once: their output for each row, kept on disk and shared by all trials.

With the embeddings and the k lowest layers frozen, what these make of a row never changes. The
first trial that meets a row writes it while using it; later epochs, trials and workers read it.

cache/prefix/KEY/SPLIT.states    [all tokens, H] of the rows one after another
cache/prefix/KEY/SPLIT.filled    [N] bytes: 1 where the row has been written
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import torch
from transformers import PreTrainedModel

from finesweep.caches import USED, built, make_room
from finesweep.config import TrainingConfig
from finesweep.ledger import Ledger
from finesweep.model import (
    Bypass,
    encoder_layers,
    frozen_depth,
    reads_first_token,
    starting_sha256,
)
from finesweep.records import Tokens
from finesweep.training.batches import ROW
from finesweep.training.frames import frame_of
from finesweep.training.precision import resolve_precision

SPLITS = ("train", "validation")
READ_BY_EMBEDDINGS = ("input_ids", "token_type_ids")
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


def decide(depth: int, facts: Facts) -> Plan:
    """Keeps states where they fit and where reading them is cheaper than computing them again."""
    repeated = facts.reads - 1 + (1 if facts.shared else 0)
    saved = facts.seconds_once * repeated
    cost = facts.n_bytes / BYTES_PER_SECOND * (facts.reads + 1)
    plan = partial(Plan, depth, facts.n_bytes, saved - cost)
    size = f"{facts.n_bytes / 1e9:.1f} GB"
    if facts.n_bytes > facts.budget_bytes:
        return plan(f"{size} are more than storage.cache_gb, {facts.budget_bytes / 1e9:.1f} GB")
    if facts.n_bytes > MEMORY_SHARE * facts.free_memory_bytes:
        return plan(f"{size} are more than half of the free memory")
    if saved <= cost:
        return plan(f"reading {size} costs {cost:.0f} s and saves {saved:.0f} s of computing")
    return plan(None)


class Prefix:
    """The states of one training's frozen layers."""

    def __init__(
        self, model: PreTrainedModel, tokens: Tokens, *, root: Path, plan: Plan, dtype: torch.dtype
    ) -> None:
        self.bypass, self.depth = Bypass(model), plan.depth
        self.first_only = _first_only(model, self.depth)
        self.seconds_per_token = plan.depth * _seconds_per_token(model)
        whole = _lengths(tokens)
        kept = _kept(whole, first_only=self.first_only)
        size = model.config.hidden_size
        folder = _folder(root, model, tokens, self.depth, dtype)
        self.stores = _opened(_made(folder, kept, size, dtype), kept, size, dtype)
        below = ((k, _folder(root, model, tokens, k, dtype)) for k in range(self.depth - 1, 0, -1))
        self.lower = [(k, _opened(one, whole, size, dtype)) for k, one in below if one.exists()]
        """Depths below with states of their own, the deepest first."""

    def replaced(self, inputs: dict[str, Any], split: str, ledger: Ledger) -> dict[str, Any]:
        """The batch with inputs_embeds in place of what the embeddings read, for a model entered
        at `depth`."""
        read = {name: inputs.pop(name) for name in READ_BY_EMBEDDINGS if name in inputs}
        mask, rows = inputs["attention_mask"], inputs.pop(ROW)
        places = rows.cpu().numpy()
        store = self.stores[split]
        width = 1 if self.first_only else mask.shape[1]
        missing = np.flatnonzero(~store.has(places))
        if len(missing):
            with ledger.on("caching"):
                self._fill(store, split, places, missing, read, mask)
        n_read = int(mask.sum()) - int(mask[torch.from_numpy(missing).to(mask.device)].sum())
        ledger.saved_by_cache += n_read * self.seconds_per_token
        states = store.read(places, width).to(mask.device)
        mask = mask[:, :1] if self.first_only else mask
        return inputs | {"inputs_embeds": states, "attention_mask": mask}

    def _fill(
        self,
        store: _Store,
        split: str,
        places: np.ndarray,
        missing: np.ndarray,
        read: dict[str, torch.Tensor],
        mask: torch.Tensor,
    ) -> None:
        chosen = torch.from_numpy(missing).to(mask.device)
        few, rows = mask[chosen], places[missing]
        few = few[:, : int(few.sum(dim=1).max())]
        level, inputs = 0, {name: each[chosen][:, : few.shape[1]] for name, each in read.items()}
        for depth, stores in self.lower:
            if stores[split].has(rows).all():
                states = stores[split].read(rows, few.shape[1]).to(mask.device)
                level, inputs = depth, {"inputs_embeds": states}
                break
        with self.bypass.entered(level):
            made = self.bypass.states(self.depth, attention_mask=few, **inputs)
        store.write(rows, made[:, :1] if self.first_only else made)


class _Store:
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

    def read(self, rows: np.ndarray, width: int) -> torch.Tensor:
        """[B, width, H] float32, zero behind each row's end."""
        read = np.zeros((len(rows), width, self.states.shape[1]), dtype=self.states.dtype)
        for k, (start, n) in enumerate(zip(self.starts[rows], self.lengths[rows], strict=True)):
            read[k, :n] = self.states[start : start + n]
        return torch.from_numpy(read).view(self.dtype).float()

    def write(self, rows: np.ndarray, states: torch.Tensor) -> None:
        """The mark comes after the states: a process that is killed in between leaves none."""
        values = states.to(self.dtype).cpu().contiguous().view(TORCH_BITS[self.dtype]).numpy()
        for k, (start, n) in enumerate(zip(self.starts[rows], self.lengths[rows], strict=True)):
            self.states[start : start + n] = values[k, :n]
        self.filled[rows] = 1


def plan_prefix(
    model: PreTrainedModel,
    tokens: Tokens,
    config: TrainingConfig,
    *,
    budget_bytes: int,
    shared: bool,
    dtype: torch.dtype,
) -> Plan:
    """The decision for this trial, with the bytes and seconds that it rests on."""
    depth = frozen_depth(model)
    off = partial(Plan, depth, 0, 0.0)
    if depth == 0:
        return off("no layer is frozen")
    if not Bypass.fits(model) or tokens.tokenizer.padding_side == "left":
        return off(f"{model.config.model_type} cannot be entered above its embeddings")
    if torch.cuda.device_count() > 1:
        return off("several GPUs share each batch")
    lengths = _lengths(tokens)
    kept = _kept(lengths, first_only=_first_only(model, depth))
    item = torch.empty((), dtype=dtype).element_size()
    n_kept = sum(int(each.sum()) for each in kept.values())
    n_train, n_validation = (int(lengths[split].sum()) for split in SPLITS)
    n_evaluations = config.epochs * config.evaluations_per_epoch
    reads = config.epochs * n_train + n_evaluations * n_validation
    once = _seconds_per_token(model) * depth * (n_train + n_validation)
    facts = Facts(
        n_bytes=n_kept * model.config.hidden_size * item,
        seconds_once=once,
        reads=reads / (n_train + n_validation),
        shared=shared,
        free_memory_bytes=psutil.virtual_memory().available,
        budget_bytes=budget_bytes,
    )
    return decide(depth, facts)


def make_prefix(
    model: PreTrainedModel,
    tokens: Tokens,
    config: TrainingConfig,
    *,
    root: Path,
    cache_gb: float,
    shared: bool,
) -> tuple[Prefix | None, Plan]:
    """The states of the frozen layers where they pay, and the decision in any case.

    shared says that other trials may need them too.
    """
    budget, dtype = int(1e9 * cache_gb), DTYPES[resolve_precision(config.precision)]
    plan = plan_prefix(model, tokens, config, budget_bytes=budget, shared=shared, dtype=dtype)
    if plan.why_not is None:
        known = _folder(root, model, tokens, plan.depth, dtype).exists()
        if not known and not make_room(root, plan.n_bytes, budget_bytes=budget):
            plan = Plan(plan.depth, plan.n_bytes, 0.0, "the disk is too full")
    if plan.why_not is not None:
        return None, plan
    try:
        return Prefix(model, tokens, root=root, plan=plan, dtype=dtype), plan
    except OSError as error:
        return None, Plan(plan.depth, plan.n_bytes, 0.0, str(error))


def prefix_key(model: PreTrainedModel, tokens: Tokens, depth: int, dtype: torch.dtype) -> str:
    """Names the states: weights, architecture, depth, rows, length and type of numbers."""
    encoder, layers = f"{model.base_model_prefix}.", encoder_layers(model)
    stem = next(name for name, module in model.named_modules() if module is layers)
    above = [f"{stem}.{k}." for k in range(depth, len(layers))]

    def is_below(name: str) -> bool:
        return name.startswith(encoder) and not name.startswith((*above, f"{encoder}pooler."))

    described = model.config.to_dict()
    for name in ("id2label", "label2id", "num_labels", "problem_type", "_name_or_path"):
        described.pop(name, None)
    named = {
        "weights": starting_sha256(model, is_below),
        "config": described,
        "depth": depth,
        "first_only": _first_only(model, depth),
        "tokens": tokens.key,
        "max_length": tokens.max_length,
        "dtype": str(dtype),
        "boot": _this_boot(),
    }
    return hashlib.sha256(json.dumps(named, sort_keys=True, default=str).encode()).hexdigest()[:32]


def _folder(
    root: Path, model: PreTrainedModel, tokens: Tokens, depth: int, dtype: torch.dtype
) -> Path:
    return root / "prefix" / prefix_key(model, tokens, depth, dtype)


def _made(folder: Path, lengths: Lengths, size: int, dtype: torch.dtype) -> Path:
    """folder, whose files now have room for the states of every row."""

    def write(aside: Path) -> None:
        for split, each in lengths.items():
            n_bytes = int(each.sum()) * size * np.dtype(BITS[dtype]).itemsize
            for name, length in ((f"{split}.states", n_bytes), (f"{split}.filled", len(each))):
                with (aside / name).open("wb") as file:
                    _reserve(file.fileno(), length)

    return built(folder, write)


def _opened(folder: Path, lengths: Lengths, size: int, dtype: torch.dtype) -> dict[str, _Store]:
    (folder / USED).touch()
    return {
        split: _Store(folder, split, each, size=size, dtype=dtype)
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


def _first_only(model: PreTrainedModel, depth: int) -> bool:
    return depth == model.config.num_hidden_layers and reads_first_token(model)


def _lengths(tokens: Tokens) -> Lengths:
    frame = frame_of(tokens)
    splits = {"train": tokens.train, "validation": tokens.validation}
    return {name: frame.lengths(split) for name, split in splits.items()}


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
    layer = encoder_layers(model)[0]
    return 2 * sum(p.numel() for p in layer.parameters()) / _flops_per_second()


def _this_boot() -> str:
    """Marks and states reach the disk in any order: after a power cut none is believed."""
    boot = Path("/proc/sys/kernel/random/boot_id")
    return boot.read_text().strip() if boot.exists() else ""
