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
from finesweep.model.freeze import (
    ParameterCount,
    count_parameters,
    freeze_layers,
    frozen_depth,
    size_bytes,
)
from finesweep.model.hub import UNREADABLE, load_config
from finesweep.model.load import (
    load_model,
    load_tokenizer,
    load_trained,
    loaded_revision,
    starting_sha256,
)
from finesweep.model.mlm import Masked, decode_masked_only, load_masked, save_masked
from finesweep.model.settings.layer_rates import check_layer_decay, layer_factors
from finesweep.model.settings.lora import add_adapters, merge_adapters
from finesweep.model.shortcuts import architecture, faster_inference, faster_training

__all__ = [
    "UNREADABLE",
    "Bypass",
    "Ensemble",
    "Masked",
    "ParameterCount",
    "add_adapters",
    "anatomy_of",
    "architecture",
    "averaged",
    "check_layer_decay",
    "count_parameters",
    "decode_masked_only",
    "faster_inference",
    "faster_training",
    "freeze_layers",
    "frozen_depth",
    "known_padding",
    "last_layer_cls_only",
    "layer_factors",
    "limit_problems",
    "load_config",
    "load_masked",
    "load_model",
    "load_tokenizer",
    "load_trained",
    "loaded_revision",
    "mean_logits",
    "merge_adapters",
    "proven_bypass",
    "quick_dropout",
    "save_masked",
    "size_bytes",
    "starting_sha256",
]
