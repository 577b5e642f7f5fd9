"""The probability of every dropout of a model, set at once."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import torch
from torch import nn
from transformers import PretrainedConfig, PreTrainedModel

from finesweep.errors import ConfigError, Problem

KINDS = (nn.Dropout, nn.Dropout1d, nn.Dropout2d, nn.Dropout3d)


def set_dropout(model: PreTrainedModel, probability: float, *, name: str) -> None:
    """Sets the probability of every dropout in [0, 1): of hidden layers, attention and head.

    Architectures have it in modules, in numbers that attention functions read, and in the config,
    which is saved. Values that the config leaves open follow from others and stay open. Dropouts
    that were left out because the checkpoint's rate is 0, such as those behind ModernBERT's
    attention, are put in. ConfigError when the model, called name in the message, has no dropout.
    """
    modules = [module for module in model.modules() if isinstance(module, KINDS)]
    holders = [*model.modules(), *configs_of(model)]
    numbers = [(holder, each) for holder in holders for each in dropout_numbers(holder)]
    if not modules and not numbers:
        message = f"{probability} given; {name} has no dropout: only null is possible"
        raise ConfigError(Problem("model.dropout", message))
    for module in modules:
        module.p = probability
    for holder, attribute in numbers:
        setattr(holder, attribute, probability)
    for place, dropout in _left_out(model).items():
        before = model.get_submodule(place)
        model.set_submodule(place, type(dropout)(probability).train(before.training))


def _left_out(model: PreTrainedModel) -> dict[str, nn.Module]:
    """Place → dropout of a model with the same config, where this one has a module that does
    nothing instead."""
    idle = {place for place, module in model.named_modules() if isinstance(module, nn.Identity)}
    if not idle:
        return {}
    # Without memory, and without random numbers of those that come after.
    with torch.device("meta"), torch.random.fork_rng(devices=[]):
        whole = type(model)(copy.deepcopy(model.config))
    modules = whole.named_modules()
    return {place: each for place, each in modules if place in idle and isinstance(each, KINDS)}


def dropout_numbers(holder: Any) -> list[str]:
    """The attributes of a module or config that are probabilities of dropout."""
    return [key for key, value in vars(holder).items() if is_dropout(key) and _is_number(value)]


def is_dropout(name: str) -> bool:
    """Whether a field of a config or an attribute of a module is about dropout, by its name:
    `hidden_dropout_prob`, `dropout_rate`, GPT-2's `attn_pdrop`."""
    return "dropout" in name or name.endswith("pdrop")


def without_dropout(fields: dict[Any, Any]) -> dict[Any, Any]:
    """A config's fields, also those of its parts, without the probabilities of dropout."""
    return {
        key: without_dropout(value) if isinstance(value, dict) else value
        for key, value in fields.items()
        if not is_dropout(str(key))
    }


def configs_of(model: PreTrainedModel) -> list[PretrainedConfig]:
    """The model's configs, also those of its parts, each once."""
    found = {id(each): each for module in model.modules() for each in _configs(module)}
    return list(found.values())


def _configs(holder: Any) -> Iterator[PretrainedConfig]:
    for value in vars(holder).values():
        if isinstance(value, PretrainedConfig):
            yield value
            yield from _configs(value)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
