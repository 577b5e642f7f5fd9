"""The probability of every dropout of a model, set at once."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from torch import nn
from transformers import PretrainedConfig, PreTrainedModel

from finesweep.errors import ConfigError, Problem

KINDS = (nn.Dropout, nn.Dropout1d, nn.Dropout2d, nn.Dropout3d)


def set_dropout(model: PreTrainedModel, probability: float, *, name: str) -> None:
    """Sets the probability of every dropout in [0, 1): of hidden layers, attention and head.

    Architectures have it in modules, in numbers that attention functions read, and in the config,
    which is saved. Values that the config leaves open follow from others and stay open. ConfigError
    when the model, called name in the message, has no dropout.
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
