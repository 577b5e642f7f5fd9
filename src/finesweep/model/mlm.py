"""A checkpoint as a masked language model, and back to a folder from which classifiers start."""

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
    """An encoder that guesses masked tokens."""

    model: PreTrainedModel
    has_new_head: bool
    """Whether the checkpoint had no head for guessing tokens, so that it was drawn."""
    kept: Mapping[str, torch.Tensor]
    """Weights of the checkpoint's encoder which only a classifier reads, such as BERT's pooler."""


def load_masked(model: ModelConfig, *, seed: int) -> Masked:
    """The checkpoint in float32, with its head for guessing tokens; where there is none, or for a
    DistilBERT made from a BERT, seed draws one.

    ConfigError when the checkpoint cannot be had, or its kind has no such head.
    """
    kind = load_config(model).model_type
    if kind not in MODEL_FOR_MASKED_LM_MAPPING_NAMES:
        message = f"{model.name_or_path} is {kind}, which guesses no masked tokens"
        raise ConfigError(Problem("model.name_or_path", message))
    set_seed(seed)
    made = _distilled(model) if model.distil else _as_it_is(model)
    made.model.starting_digests = digests(made.model)
    return made


def save_masked(masked: Masked, tokenizer: PreTrainedTokenizerBase, folder: Path) -> None:
    """Writes model and tokenizer, as safetensors and JSON; what the model does not know is kept."""
    whole = {**masked.model.state_dict(), **masked.kept}
    masked.model.save_pretrained(folder, state_dict=whole)
    tokenizer.save_pretrained(folder)


@contextmanager
def decode_masked_only(model: PreTrainedModel, chosen: torch.Tensor) -> Iterator[None]:
    """Within it model's logits are [M, V], of the M places alone that chosen [B, L] bool marks.

    A vocabulary is wider than all of a small encoder, and six of seven tokens are not to be
    guessed. Models whose last step is no layer of its own, or sees other shapes, and those that
    are spread over several GPUs, give [B, L, V] as ever.
    """
    decoder = model.get_output_embeddings()
    if decoder is None or torch.cuda.device_count() > 1:
        yield
        return

    def choose(module: Any, given: tuple[torch.Tensor, ...]) -> tuple[torch.Tensor, ...] | None:
        return (given[0][chosen],) if given[0].shape[:2] == chosen.shape else None

    hook = decoder.register_forward_pre_hook(choose)
    try:
        yield
    finally:
        hook.remove()


def _as_it_is(model: ModelConfig) -> Masked:
    with weights_read(model) as how:
        made, found = AutoModelForMaskedLM.from_pretrained(**how)
        encoder, of_encoder = AutoModel.from_pretrained(**how)
    own, prefix = made.state_dict(), f"{made.base_model_prefix}."
    kept = {
        f"{prefix}{name}": weight
        for name, weight in encoder.state_dict().items()
        if f"{prefix}{name}" not in own and name not in of_encoder["missing_keys"]
    }
    return Masked(made, has_new_head=bool(found["missing_keys"]), kept=kept)


def _distilled(model: ModelConfig) -> Masked:
    with weights_read(model) as how:
        bert, _ = BertModel.from_pretrained(**how)
    config = distil_config(bert.config)
    made = DistilBertForMaskedLM(config)
    made.distilbert.load_state_dict(distil(bert, config).distilbert.state_dict(), strict=True)
    made.tie_weights()
    return Masked(made, has_new_head=True, kept={})
