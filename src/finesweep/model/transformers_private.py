"""Every private name of models and their configs that finesweep uses, and why no public one does.

`tests/contract/test_private_names.py` names them all. Trainer's are in
`training/trainer_private.py`: who only predicts does not load it.
"""

from __future__ import annotations

from typing import Any

from transformers import PreTrainedModel


def attention_of(config: Any) -> str | None:
    """The name in AttentionInterface of the function that a model attends with."""
    name: str | None = config._attn_implementation
    return name


def use_attention(config: Any, name: str | None) -> None:
    """Makes a model attend with another function of AttentionInterface.

    `set_attn_implementation` would look for the name on the Hub, and asks what a model's class
    supports: the function stands in for the one there was.
    """
    config._attn_implementation = name


def fields_of(config: Any) -> dict[str, Any]:
    """What `to_dict` has of a config, without the place that it was read from.

    There the place does not have its public name, `name_or_path`.
    """
    fields: dict[str, Any] = config.to_dict()
    fields.pop("_name_or_path", None)
    return fields


def draw_weights(model: PreTrainedModel, module: str) -> None:
    """Draws a module's own weights anew, as its model's authors would.

    `init_weights` draws all modules, and leaves out those that a checkpoint filled.
    """
    model._init_weights(model.get_submodule(module))
