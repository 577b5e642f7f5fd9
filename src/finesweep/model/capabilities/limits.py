"""Checks of checkpoints against the configs that use them, by loading them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from functools import partial
from typing import Any

from finesweep.config import ModelConfig
from finesweep.errors import ConfigError, Problem
from finesweep.model.capabilities.anatomy import anatomy_of
from finesweep.model.capabilities.longest import check_length
from finesweep.model.freeze import frozen_layers
from finesweep.model.load import unlabelled

Checkpoint = tuple[str, str | None, bool]
"""Name, revision, and whether a DistilBERT is initialised from it."""


def limit_problems(models: Iterable[tuple[ModelConfig, int]]) -> list[Problem]:
    """Problems of models, each with its longest input in tokens; empty when all is supported.

    Each checkpoint is loaded once, and none is kept in memory.
    """
    depths: dict[Checkpoint, list[int | str]] = defaultdict(list)
    lengths: dict[Checkpoint, int] = defaultdict(int)
    for model, max_length in models:
        key = model.name_or_path, model.revision, model.distil
        depths[key].append(model.freeze_layers)
        lengths[key] = max(lengths[key], max_length)
    return [
        problem
        for key in depths
        for problem in _problems(ModelConfig(*key), dict.fromkeys(depths[key]), lengths[key])
    ]


def _problems(config: ModelConfig, depths: Iterable[int | str], max_length: int) -> list[Problem]:
    try:
        model, tokenizer = unlabelled(config)
    except ConfigError as error:
        return list(error.problems)
    name = config.name_or_path
    checks: list[Any] = [partial(check_length, model, tokenizer, max_length=max_length, name=name)]
    checks += [partial(frozen_layers, anatomy_of(model), depth, name=name) for depth in depths]
    problems: list[Problem] = []
    for check in checks:
        try:
            check()
        except ConfigError as error:
            problems += error.problems
    return problems
