"""From a config to a classifier with named labels and its tokenizer."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from huggingface_hub import try_to_load_from_cache
from transformers import (
    AutoModelForSequenceClassification,
    AutoTokenizer,
    BertModel,
    PreTrainedModel,
    PreTrainedTokenizerBase,
    set_seed,
)

from finesweep.config import ModelConfig
from finesweep.config.packaged import packaged_path
from finesweep.errors import ConfigError, Problem
from finesweep.model.distil import distil, distil_config
from finesweep.model.limits import load_config

CONFIG = "config.json"


def load_model(model: ModelConfig, *, label_names: Sequence[str], seed: int) -> PreTrainedModel:
    """A classifier in float32 whose config carries the label names; seed draws its new head.

    Only safetensors are read. ConfigError when the checkpoint cannot be had.
    """
    path, labels = _path(model), _labels(label_names)
    config = load_config(model)
    # transformers' set_seed also seeds numpy and random, which its own initialisers may use.
    set_seed(seed)
    try:
        if model.distil:
            bert = BertModel.from_pretrained(path, revision=model.revision, use_safetensors=True)
            return distil(bert, distil_config(config, **labels))
        return AutoModelForSequenceClassification.from_pretrained(
            path,
            revision=model.revision,
            use_safetensors=True,
            ignore_mismatched_sizes=True,  # a fine-tuned head for other classes is replaced
            dtype="float32",
            **labels,
        )
    except (OSError, ValueError) as error:
        message = f"cannot load {model.name_or_path!r}: {str(error).splitlines()[0]}"
        raise ConfigError(Problem("model.name_or_path", message)) from error


def load_tokenizer(model: ModelConfig) -> PreTrainedTokenizerBase:
    """The checkpoint's tokenizer, which makes just the columns that the model takes."""
    columns = {"model_input_names": ["input_ids", "attention_mask"]} if model.distil else {}
    try:
        return AutoTokenizer.from_pretrained(_path(model), revision=model.revision, **columns)
    except (OSError, ValueError) as error:
        message = f"no tokenizer at {model.name_or_path!r}: {str(error).splitlines()[0]}"
        raise ConfigError(Problem("model.name_or_path", message)) from error


def load_trained(folder: Path) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
    """A classifier and its tokenizer from a folder that this project saved."""
    model = AutoModelForSequenceClassification.from_pretrained(folder, use_safetensors=True)
    return model, AutoTokenizer.from_pretrained(folder)


def loaded_revision(model: ModelConfig) -> str | None:
    """The Hub's commit that was loaded, which names its folder in the cache; None for folders."""
    cached = None
    if not Path(_path(model)).exists():
        cached = try_to_load_from_cache(model.name_or_path, CONFIG, revision=model.revision)
    return Path(cached).parent.name if isinstance(cached, str) else None


def weights_sha256(model: PreTrainedModel) -> str:
    """SHA-256 of names and bytes of all weights, in the state dict's order."""
    digest = hashlib.sha256()
    for name, tensor in model.state_dict().items():
        digest.update(name.encode())
        digest.update(tensor.detach().cpu().contiguous().numpy().data)
    return digest.hexdigest()


def _path(model: ModelConfig) -> str:
    return str(packaged_path(model.name_or_path, field="model.name_or_path"))


def _labels(names: Sequence[str]) -> dict[str, Any]:
    return {
        "num_labels": len(names),
        "id2label": dict(enumerate(names)),
        "label2id": {name: index for index, name in enumerate(names)},
    }
