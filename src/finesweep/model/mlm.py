"""A checkpoint as a masked language model, saved so that classifiers can start from it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from transformers import (
    AutoModel,
    AutoModelForMaskedLM,
    BertModel,
    DistilBertForMaskedLM,
    PreTrainedModel,
    PreTrainedTokenizerBase,
    set_seed,
)
from transformers.models.auto.modeling_auto import MODEL_FOR_MASKED_LM_MAPPING_NAMES

from finesweep.config import ModelConfig
from finesweep.errors import ConfigError, Problem
from finesweep.model.hub import load_config
from finesweep.model.layer_subset import distil, distil_config
from finesweep.model.load import digests, weights_read


@dataclass(frozen=True)
class Masked:
    """An encoder with a masked-language-modelling head."""

    model: PreTrainedModel
    has_new_head: bool
    """Whether the checkpoint had no such head, so that it was initialised."""
    classifier_weights: Mapping[str, torch.Tensor]
    """Weights of the checkpoint's encoder that only a classifier reads, such as BERT's pooler."""


def load_masked(model: ModelConfig, *, seed: int) -> Masked:
    """The checkpoint in float32, with its masked-language-modelling head; if it has none, or for a
    DistilBERT initialised from a BERT, seed initialises one.

    ConfigError when the checkpoint cannot be loaded, or its type has no such head.
    """
    kind = load_config(model).model_type
    if kind not in MODEL_FOR_MASKED_LM_MAPPING_NAMES:
        message = f"{model.name_or_path} is {kind}, which has no masked-language-modelling head"
        raise ConfigError(Problem("model.name_or_path", message))
    set_seed(seed)
    masked = _init_distilled(model) if model.distil else _load_as_is(model)
    masked.model.starting_digests = digests(masked.model)
    return masked


def save_masked(masked: Masked, tokenizer: PreTrainedTokenizerBase, folder: Path) -> None:
    """Writes model and tokenizer, as safetensors and JSON, with the weights for classifiers."""
    whole = {**masked.model.state_dict(), **masked.classifier_weights}
    masked.model.save_pretrained(folder, state_dict=whole)
    tokenizer.save_pretrained(folder)


@contextmanager
def decode_masked_only(model: PreTrainedModel, is_masked: torch.Tensor) -> Iterator[None]:
    """Within it model's logits are [M, V], for the M positions that is_masked [B, L] bool selects.

    Decoding is most of a small encoder's work, and six of seven tokens are not masked. Models
    without a separate output layer, or with other shapes there, return [B, L, V] as usual.
    """
    decoder = model.get_output_embeddings()
    if decoder is None:
        yield
        return

    def select(module: Any, args: tuple[torch.Tensor, ...]) -> tuple[torch.Tensor, ...] | None:
        return (args[0][is_masked],) if args[0].shape[:2] == is_masked.shape else None

    hook = decoder.register_forward_pre_hook(select)
    try:
        yield
    finally:
        hook.remove()


def _load_as_is(model: ModelConfig) -> Masked:
    with weights_read(model) as kwargs:
        masked_lm, info = AutoModelForMaskedLM.from_pretrained(**kwargs)
        encoder, encoder_info = AutoModel.from_pretrained(**kwargs)
    weights, prefix = masked_lm.state_dict(), f"{masked_lm.base_model_prefix}."
    pooler = {
        f"{prefix}{name}": weight
        for name, weight in encoder.state_dict().items()
        if f"{prefix}{name}" not in weights and name not in encoder_info["missing_keys"]
    }
    return Masked(masked_lm, has_new_head=bool(info["missing_keys"]), classifier_weights=pooler)


def _init_distilled(model: ModelConfig) -> Masked:
    with weights_read(model) as kwargs:
        bert, _ = BertModel.from_pretrained(**kwargs)
    config = distil_config(bert.config)
    student = DistilBertForMaskedLM(config)
    student.distilbert.load_state_dict(distil(bert, config).distilbert.state_dict(), strict=True)
    student.tie_weights()
    return Masked(student, has_new_head=True, classifier_weights={})
