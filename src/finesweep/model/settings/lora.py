"""Low-rank adapters (LoRA) in the layers that are not frozen, by PEFT; merged when training ends.

Hu et al. 2021, https://arxiv.org/abs/2106.09685: a weight W stays as it is, and B A is trained,
with A [r, in] random and B [out, r] zero at the start. Their scale alpha / r is 1 here at every
rank, as in their first choice of alpha; a larger scale is a larger learning rate.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import torch
from torch import nn
from transformers import PreTrainedModel
from transformers.pytorch_utils import Conv1D

from finesweep.errors import ConfigError, Problem
from finesweep.model.capabilities.anatomy import Anatomy, anatomy_of
from finesweep.model.freeze import ParameterCount, count_parameters, frozen_depth

FIELD = "model.lora_rank"
OWN_TARGETS = {"distilbert": ("q_lin", "v_lin")}
"""Queries and values of types that PEFT's table does not have."""
ADAPTER = "default"
"""PEFT's name of a single adapter, a part of its weights' names."""


def add_adapters(model: PreTrainedModel, rank: int, *, seed: int, name: str) -> ParameterCount:
    """Numbers of trainable and frozen parameters, after adding adapters in place; model is frozen
    up to a depth already.

    Trained are the adapters of the layers above that depth, and whatever is above all layers: a
    final norm, the pooler and the head. seed draws A. Adapted are the projections in PEFT's table
    for the model's type, usually queries and values, or else all linear layers of these layers.
    ConfigError when the model, called name in the message, has no such layer.
    """
    from peft import LoraConfig, inject_adapter_in_model

    anatomy = anatomy_of(model)
    targets = target_modules(model, anatomy, depth=frozen_depth(model))
    if not targets:
        message = f"{rank} given; {name} has no linear layer above its frozen ones to adapt"
        raise ConfigError(Problem(FIELD, message))
    head = [p for n, p in model.named_parameters() if anatomy.levels[n] > len(anatomy.layers)]
    trained = [parameter for parameter in head if parameter.requires_grad]
    config = LoraConfig(
        r=rank,
        lora_alpha=rank,
        lora_dropout=0.0,
        target_modules=targets,
        fan_in_fan_out=isinstance(model.get_submodule(targets[0]), Conv1D),  # W transposed
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        inject_adapter_in_model(config, model)
    del model.peft_config  # what is saved is a plain model
    for parameter in trained:
        parameter.requires_grad_(True)
    for module in model.modules():
        module.is_frozen = getattr(module, "is_frozen", False)  # new modules run as the rest does
    model.anatomy = _with_adapters(anatomy, model)
    return count_parameters(model)


def merge_adapters(model: PreTrainedModel) -> None:
    """Adds each B A to its weight and removes the adapters, in place; nothing without adapters."""
    for name, module in list(model.named_modules()):
        if hasattr(module, "base_layer") and hasattr(module, "merge"):
            module.merge()
            parent, _, child = name.rpartition(".")
            setattr(model.get_submodule(parent), child, module.get_base_layer())


def target_modules(model: PreTrainedModel, anatomy: Anatomy, *, depth: int) -> list[str]:
    """Names of the linear modules to adapt in the layers above depth."""
    from peft.utils import TRANSFORMERS_MODELS_TO_LORA_TARGET_MODULES_MAPPING as TABLE

    within = tuple(f"{part}." for layer in anatomy.layers[depth:] for part in layer)
    linear = [
        name
        for name, module in model.named_modules()
        if name.startswith(within) and isinstance(module, nn.Linear | Conv1D)
    ]
    kind = model.config.model_type
    usual: Any = OWN_TARGETS.get(kind) or TABLE.get(kind) or ()
    chosen = [name for name in linear if name.rpartition(".")[2] in usual]
    return chosen or linear


def _with_adapters(anatomy: Anatomy, model: PreTrainedModel) -> Anatomy:
    """The anatomy, which also knows the level of each adapter: that of its weight."""
    levels = dict(anatomy.levels)
    for name, _ in model.named_parameters():
        base = name.replace(".base_layer.", ".")
        for part in (".lora_A.", ".lora_B."):
            base = base.replace(f"{part}{ADAPTER}.", ".")
        levels[name] = anatomy.levels[base]
    return replace(anatomy, levels=levels)
