"""The kind and size of an encoder, read from its config.json without loading a model."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from huggingface_hub import try_to_load_from_cache
from huggingface_hub.errors import HFValidationError

from finesweep.config import ModelConfig
from finesweep.config.package_files import packaged_path
from finesweep.config.portfolios import Encoder
from finesweep.errors import ConfigError

CONFIG_FILE = "config.json"
LAYERS = ("num_hidden_layers", "n_layers", "n_layer")
SIZES = ("hidden_size", "dim", "d_model", "n_embd")
"""Names of the same numbers in the config files of different kinds of encoder."""


def encoder_of(model: ModelConfig) -> Encoder | None:
    """The encoder that the model starts from; None when its config.json does not say, or is not on
    this machine: the Hub is not asked.

    With `distil` it is the DistilBERT with half of the layers, rounded up.
    """
    try:
        config = json.loads(_config_file(model).read_text(encoding="utf-8"))
        layers, size = _one_of(config, LAYERS), _one_of(config, SIZES)
        kind = config["model_type"]
    except (ConfigError, OSError, ValueError, LookupError, TypeError):
        return None
    return (
        Encoder("distilbert", (layers + 1) // 2, size)
        if model.distil
        else Encoder(kind, layers, size)
    )


def _one_of(config: dict[str, Any], names: Sequence[str]) -> int:
    """The first of these that the config has; ValueError without one."""
    name, *_ = filter(config.__contains__, names)
    return int(config[name])


def _config_file(model: ModelConfig) -> Path:
    """OSError when the file is not on this machine."""
    folder = packaged_path(model.name_or_path, field="model.name_or_path")
    if folder.exists():
        return folder / CONFIG_FILE
    try:
        cached: Any = try_to_load_from_cache(
            model.name_or_path, CONFIG_FILE, revision=model.revision
        )
    except HFValidationError as error:
        raise FileNotFoundError(model.name_or_path) from error
    if not isinstance(cached, str):
        raise FileNotFoundError(model.name_or_path)
    return Path(cached)
