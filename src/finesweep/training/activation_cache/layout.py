"""Where the states of a training are: their key, their folder and the lengths of their rows."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import torch
from transformers import PreTrainedModel

from finesweep.model import anatomy_of, starting_sha256
from finesweep.model.settings.dropout_rate import without_dropout
from finesweep.model.settings.pooling import KEY as POOLING
from finesweep.model.transformers_private import fields_of
from finesweep.records import Tokens
from finesweep.training.truncation import template_of

CACHED_SPLITS = ("train", "validation")
Lengths = dict[str, np.ndarray]
"""Split → [N] cached tokens of each row."""


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

    config = without_dropout(fields_of(model.config))  # frozen layers drop nothing
    for name in ("id2label", "label2id", "num_labels", "problem_type", POOLING):
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
    text = json.dumps(identity, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def folder_of(
    root: Path,
    model: PreTrainedModel,
    tokens: Tokens,
    *,
    dtype: torch.dtype,
    depth: int,
    first_only: bool = False,
) -> Path:
    return root / "activations" / activation_key(model, tokens, depth, dtype, first_only=first_only)


def lengths_of(tokens: Tokens) -> Lengths:
    template = template_of(tokens)
    splits = {"train": tokens.train, "validation": tokens.validation}
    return {name: template.lengths(split) for name, split in splits.items()}


def cached_lengths(lengths: Lengths, *, first_only: bool) -> Lengths:
    return {k: np.ones_like(each) if first_only else each for k, each in lengths.items()}


def _this_boot() -> str:
    """The boot id: marks and states reach the disk in any order, so a crash invalidates both."""
    boot = Path("/proc/sys/kernel/random/boot_id")
    return boot.read_text().strip() if boot.exists() else ""
