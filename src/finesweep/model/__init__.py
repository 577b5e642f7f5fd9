"""Encoders: what they can take, loading, freezing, and a DistilBERT made from a BERT."""

from finesweep.model.freeze import count_parameters, freeze_layers
from finesweep.model.limits import limit_problems, model_limits
from finesweep.model.load import (
    load_model,
    load_tokenizer,
    load_trained,
    loaded_revision,
    weights_sha256,
)

__all__ = [
    "count_parameters",
    "freeze_layers",
    "limit_problems",
    "load_model",
    "load_tokenizer",
    "load_trained",
    "loaded_revision",
    "model_limits",
    "weights_sha256",
]
