"""Freezing from below: the embeddings and the lowest encoder layers become a fixed function."""

from __future__ import annotations

from typing import Any

from torch import nn
from transformers import PreTrainedModel

from finesweep.errors import ConfigError, Problem
from finesweep.records import ParameterCount


def freeze_layers(model: PreTrainedModel, depth: int | str) -> ParameterCount:
    """Numbers of trainable and frozen parameters, after freezing in place.

    depth 0 freezes nothing, k the embeddings and the k lowest layers, `all` every layer, so that
    the pooler and the head remain. What some encoders keep beside their layers, such as relative
    positions, counts as embeddings. Frozen modules run in eval mode, without dropout, also while
    the rest trains: that is feature extraction, and makes their output a function of the input.
    ConfigError when depth exceeds the layers there are.
    """
    if depth == 0:
        return count_parameters(model)
    layers = encoder_layers(model)
    n_frozen = len(layers) if depth == "all" else int(depth)
    if n_frozen > len(layers):
        message = f"{depth} given; the model has {len(layers)} layers: 0 to {len(layers)}, or `all`"
        raise ConfigError(Problem("model.freeze_layers", message))
    pooler = getattr(model.base_model, "pooler", None)
    _freeze_except(model.base_model, {*layers[n_frozen:], *([pooler] if pooler else [])})
    return count_parameters(model)


def frozen_depth(model: PreTrainedModel) -> int:
    """How many of the lowest layers are frozen, the embeddings with them; 0 when none is."""
    layers, pooler = encoder_layers(model), getattr(model.base_model, "pooler", None)
    above = {*layers.parameters(), *(pooler.parameters() if pooler else ())}
    if any(p.requires_grad for p in model.base_model.parameters() if p not in above):
        return 0
    trained = [any(p.requires_grad for p in layer.parameters()) for layer in layers]
    return trained.index(True) if True in trained else len(layers)


def encoder_layers(model: PreTrainedModel) -> nn.ModuleList:
    """The encoder's layers, lowest first; ConfigError for models that are not built of a list."""
    n_layers = model.config.num_hidden_layers
    for module in model.base_model.modules():
        if isinstance(module, nn.ModuleList) and len(module) == n_layers:
            return module
    message = f"{type(model).__name__} keeps its layers in no list; only 0 is possible"
    raise ConfigError(Problem("model.freeze_layers", message))


def count_parameters(model: nn.Module) -> ParameterCount:
    """Parameters by whether they will be trained."""
    frozen = sum(p.numel() for p in model.parameters() if not p.requires_grad)
    trainable = sum(p.numel() for p in model.parameters() if p.requires_grad)
    return ParameterCount(trainable=trainable, frozen=frozen)


def _freeze_except(module: nn.Module, trained: set[nn.Module]) -> None:
    """Freezes module but for what is in trained, as few and as large parts as possible."""
    if module in trained:
        return
    if trained.isdisjoint(module.modules()):
        module.requires_grad_(False)
        # Trainer calls model.train() in each step; the module itself undoes it.
        module.register_forward_pre_hook(_stay_in_eval)
        return
    for parameter in module.parameters(recurse=False):
        parameter.requires_grad_(False)
    for child in module.children():
        _freeze_except(child, trained)


def _stay_in_eval(module: nn.Module, inputs: Any) -> None:
    module.eval()
