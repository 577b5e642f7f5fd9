"""From a config to a classifier with named labels and its tokenizer."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from huggingface_hub import try_to_load_from_cache
from safetensors import SafetensorError
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
from finesweep.model.hub import local_files_only
from finesweep.model.limits import load_config

CONFIG = "config.json"


def load_model(model: ModelConfig, *, label_names: Sequence[str], seed: int) -> PreTrainedModel:
    """A classifier in float32 whose config carries the label names; seed draws its new head.

    Only safetensors are read. ConfigError when the checkpoint cannot be had.
    """
    path, labels = _path(model), _labels(label_names)
    source = {
        "revision": model.revision,
        "local_files_only": local_files_only(path, model.revision),
    }
    config = load_config(model)
    # transformers' set_seed also seeds numpy and random, which its own initialisers may use.
    set_seed(seed)
    try:
        if model.distil:
            bert = BertModel.from_pretrained(path, use_safetensors=True, dtype="float32", **source)
            return distil(bert, distil_config(config, **labels))
        return AutoModelForSequenceClassification.from_pretrained(
            path,
            use_safetensors=True,
            ignore_mismatched_sizes=True,  # a fine-tuned head for other classes is replaced
            dtype="float32",
            **source,
            **labels,
        )
    except (OSError, ValueError, SafetensorError) as error:
        message = f"cannot load {model.name_or_path!r}: {str(error).splitlines()[0]}"
        raise ConfigError(Problem("model.name_or_path", message)) from error


def load_tokenizer(model: ModelConfig) -> PreTrainedTokenizerBase:
    """The checkpoint's tokenizer, which makes just the columns that the model takes."""
    columns = {"model_input_names": ["input_ids", "attention_mask"]} if model.distil else {}
    path = _path(model)
    only_local = local_files_only(path, model.revision)
    try:
        tokenizer = AutoTokenizer.from_pretrained(
            path, revision=model.revision, local_files_only=only_local, **columns
        )
        # Without its files transformers makes a tokenizer of special tokens alone.
        if len(tokenizer) <= len(tokenizer.all_special_ids):
            raise ValueError("it has no vocabulary")
        return tokenizer
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
        "problem_type": "single_label_classification",
        "num_labels": len(names),
        "id2label": dict(enumerate(names)),
        "label2id": {name: index for index, name in enumerate(names)},
    }
