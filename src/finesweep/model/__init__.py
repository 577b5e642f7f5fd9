"""Encoders: what they can take, loading, freezing, a DistilBERT made from a BERT, and masked
language models."""

from finesweep.model.bypass import Bypass
from finesweep.model.dropout import quick_dropout
from finesweep.model.first_token import first_token_alone, reads_first_token
from finesweep.model.freeze import count_parameters, encoder_layers, freeze_layers, frozen_depth
from finesweep.model.limits import limit_problems, model_limits
from finesweep.model.load import (
    load_model,
    load_tokenizer,
    load_trained,
    loaded_revision,
    starting_sha256,
)
from finesweep.model.masked import Masked, decoded_at, load_masked, save_masked

__all__ = [
    "Bypass",
    "Masked",
    "count_parameters",
    "decoded_at",
    "encoder_layers",
    "first_token_alone",
    "freeze_layers",
    "frozen_depth",
    "limit_problems",
    "load_masked",
    "load_model",
    "load_tokenizer",
    "load_trained",
    "loaded_revision",
    "model_limits",
    "quick_dropout",
    "reads_first_token",
    "save_masked",
    "starting_sha256",
]
