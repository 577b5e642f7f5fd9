"""Checks of checkpoints against the configs that use them, by loading them."""

from __future__ import annotations

import copy
from collections import defaultdict
from collections.abc import Iterable
from functools import partial
from typing import Any

from transformers import PreTrainedModel

from finesweep.config import ModelConfig
from finesweep.errors import ConfigError, Problem
from finesweep.model.capabilities.anatomy import anatomy_of
from finesweep.model.capabilities.longest import check_length
from finesweep.model.freeze import freeze_layers, frozen_layers
from finesweep.model.load import apply_settings, unlabelled
from finesweep.model.settings.layer_rates import check_layer_decay
from finesweep.model.settings.lora import add_adapters

Checkpoint = tuple[str, str | None, bool]
"""Name, revision, and whether a DistilBERT is initialised from it."""


def limit_problems(
    models: Iterable[tuple[ModelConfig, int]], *, layer_decay: float = 1.0
) -> list[Problem]:
    """Problems of models, each with its longest input in tokens; empty when all is supported.

    Each checkpoint is loaded once, and none is kept in memory. layer_decay is the smallest of
    training.layer_decay.
    """
    uses: dict[Checkpoint, list[ModelConfig]] = defaultdict(list)
    lengths: dict[Checkpoint, int] = defaultdict(int)
    for model, max_length in models:
        key = model.name_or_path, model.revision, model.distil
        uses[key] += [] if model in uses[key] else [model]
        lengths[key] = max(lengths[key], max_length)
    return [
        problem
        for key in uses
        for problem in dict.fromkeys(_problems(uses[key], lengths[key], layer_decay))
    ]


def _problems(uses: list[ModelConfig], max_length: int, layer_decay: float) -> list[Problem]:
    """Problems of one checkpoint; uses are the distinct settings with which it is loaded."""
    name = uses[0].name_or_path
    try:
        model, tokenizer = unlabelled(uses[0])
    except ConfigError as error:
        return list(error.problems)
    anatomy = anatomy_of(model)
    depths = dict.fromkeys(each.freeze_layers for each in uses)
    checks: list[Any] = [
        partial(check_length, model, tokenizer, max_length=max_length, name=name),
        partial(check_layer_decay, anatomy, layer_decay, name=name),
        *(partial(frozen_layers, anatomy, depth, name=name) for depth in depths),
        *(partial(_try_settings, model, each) for each in _changing(uses)),
    ]
    problems: list[Problem] = []
    for check in checks:
        try:
            check()
        except ConfigError as error:
            problems += error.problems
    return problems


def _changing(uses: list[ModelConfig]) -> list[ModelConfig]:
    """The settings that change a loaded model, each kind of them once: whatever the rank and the
    probability, a model supports them or does not."""
    kinds = {
        (each.lora_rank and each.freeze_layers, each.dropout is None, each.pooling): each
        for each in uses
        if (each.lora_rank, each.dropout, each.pooling) != (None, None, None)
    }
    return list(kinds.values())


def _try_settings(model: PreTrainedModel, config: ModelConfig) -> None:
    """ConfigError when a copy of the model does not support dropout, pooling or adapters."""
    changed = copy.deepcopy(model)
    apply_settings(changed, config)
    if config.lora_rank is None:
        return
    try:
        freeze_layers(changed, config.freeze_layers)
    except ConfigError:
        return  # reported already
    add_adapters(changed, config.lora_rank, seed=0, name=config.name_or_path)
