"""Encoders: what they can take, loading, freezing, and a DistilBERT made from a BERT."""

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

__all__ = [
    "Bypass",
    "count_parameters",
    "encoder_layers",
    "first_token_alone",
    "freeze_layers",
    "frozen_depth",
    "limit_problems",
    "load_model",
    "load_tokenizer",
    "load_trained",
    "loaded_revision",
    "model_limits",
    "quick_dropout",
    "reads_first_token",
    "starting_sha256",
]
