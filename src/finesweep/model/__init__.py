"""Encoders: loading, capabilities, freezing, a DistilBERT initialised from a BERT, and masked
language models."""

from finesweep.model.attention_mask import known_padding
from finesweep.model.averaging import averaged
from finesweep.model.bypass import Bypass, proven_bypass
from finesweep.model.capabilities.anatomy import anatomy_of
from finesweep.model.capabilities.limits import limit_problems
from finesweep.model.dropout import quick_dropout
from finesweep.model.ensemble import Ensemble, mean_logits
from finesweep.model.first_token import last_layer_cls_only
from finesweep.model.freeze import ParameterCount, count_parameters, freeze_layers, frozen_depth
from finesweep.model.hub import load_config
from finesweep.model.load import (
    load_model,
    load_tokenizer,
    load_trained,
    loaded_revision,
    starting_sha256,
)
from finesweep.model.mlm import Masked, decode_masked_only, load_masked, save_masked
from finesweep.model.shortcuts import architecture, faster_inference, faster_training

__all__ = [
    "Bypass",
    "Ensemble",
    "Masked",
    "ParameterCount",
    "anatomy_of",
    "architecture",
    "averaged",
    "count_parameters",
    "decode_masked_only",
    "faster_inference",
    "faster_training",
    "freeze_layers",
    "frozen_depth",
    "known_padding",
    "last_layer_cls_only",
    "limit_problems",
    "load_config",
    "load_masked",
    "load_model",
    "load_tokenizer",
    "load_trained",
    "loaded_revision",
    "mean_logits",
    "proven_bypass",
    "quick_dropout",
    "save_masked",
    "starting_sha256",
]
