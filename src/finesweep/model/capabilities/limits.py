"""What a checkpoint can take, read from its config file alone: no weights are loaded."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from huggingface_hub.errors import LocalEntryNotFoundError
from transformers import AutoConfig, PretrainedConfig

from finesweep.config import ModelConfig
from finesweep.errors import ConfigError, Problem
from finesweep.model.hub import source
from finesweep.records import ModelLimits

# RoBERTa and its kin number positions from pad_token_id + 1, so that many places are lost.
OFFSET_POSITIONS = frozenset(
    {
        "roberta",
        "xlm-roberta",
        "xlm-roberta-xl",
        "camembert",
        "mpnet",
        "longformer",
        "data2vec-text",
    }
)


def model_limits(model: ModelConfig) -> ModelLimits:
    """Layers and longest input of the model that this config loads."""
    config = load_config(model)
    n_layers = int(config.num_hidden_layers)
    positions = int(getattr(config, "max_position_embeddings", 0) or 0)
    positions = positions if positions > 0 else 10**9  # XLNet says -1
    if config.model_type in OFFSET_POSITIONS:
        positions -= int(config.pad_token_id) + 1
    return ModelLimits(
        n_layers=(n_layers + 1) // 2 if model.distil else n_layers, max_length=positions
    )


def limit_problems(model: ModelConfig, *, max_length: int) -> list[Problem]:
    """What the config asks of its model beyond the model's limits; empty when all fits."""
    limits, problems = model_limits(model), []
    if max_length > limits.max_length:
        message = (
            f"{max_length} given; {model.name_or_path} takes at most {limits.max_length} tokens"
        )
        problems.append(Problem("dataset.max_length", message))
    depth = model.freeze_layers
    if isinstance(depth, int) and depth > limits.n_layers:
        message = f"{depth} given; {model.name_or_path} has {limits.n_layers} layers"
        problems.append(
            Problem("model.freeze_layers", f"{message}: 0 to {limits.n_layers}, or `all`")
        )
    return problems


def load_config(model: ModelConfig) -> PretrainedConfig:
    """The checkpoint's own config; ConfigError when it cannot be had or is no fit for distil."""
    config = _found(AutoConfig, model)
    if model.distil and config.model_type != "bert":
        message = f"a DistilBERT starts from a BERT; {model.name_or_path} is {config.model_type}"
        raise ConfigError(Problem("model.distil", message))
    return config


def _found(loader: Any, model: ModelConfig) -> Any:
    place = source(model)
    try:
        return loader.from_pretrained(**place)
    except (OSError, ValueError) as error:
        why = _why(place["pretrained_model_name_or_path"], error)
        message = f"no checkpoint at {model.name_or_path!r}: {why}"
        raise ConfigError(Problem("model.name_or_path", message)) from error


def _why(path: str, error: Exception) -> str:
    first = str(error).splitlines()[0]
    if Path(path).exists():
        return f"the folder holds none ({first})"
    if isinstance(error.__cause__, LocalEntryNotFoundError):
        return (
            "no such folder, the Hugging Face Hub cannot be reached, "
            "and no earlier download is cached"
        )
    return f"no such folder, and the Hub says: {first}"
