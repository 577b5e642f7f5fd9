"""Private names of models and configs that finesweep uses, and why no public one suffices.

`tests/contract/test_private_names.py` lists them all. Trainer's are in
`training/trainer_private.py`, so that prediction does not import it.
"""

from __future__ import annotations

from typing import Any

from transformers import PreTrainedModel


def attention_of(config: Any) -> str | None:
    """The name in AttentionInterface of a model's attention function."""
    name: str | None = config._attn_implementation
    return name


def use_attention(config: Any, name: str | None) -> None:
    """Sets a model's attention function, by its name in AttentionInterface.

    `set_attn_implementation` would look for the name on the Hub, and checks what the model's class
    supports, although the function is a drop-in replacement.
    """
    config._attn_implementation = name


def fields_of(config: Any) -> dict[str, Any]:
    """A config's `to_dict`, without the path that it was read from.

    `to_dict` has the path under a private name instead of `name_or_path`.
    """
    fields: dict[str, Any] = config.to_dict()
    fields.pop("_name_or_path", None)
    return fields


def draw_weights(model: PreTrainedModel, module: str) -> None:
    """Reinitialises a module's own weights by the model's own rule.

    `init_weights` initialises all modules except those that a checkpoint filled.
    """
    model._init_weights(model.get_submodule(module))
