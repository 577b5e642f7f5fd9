"""Freezing the embeddings and the lowest encoder layers, which become a fixed function."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from functools import partial
from typing import Any

from torch import nn
from transformers import PreTrainedModel

from finesweep.errors import ConfigError, Problem
from finesweep.model.capabilities.anatomy import Anatomy, anatomy_of


@dataclass(frozen=True)
class ParameterCount:
    """Numbers of parameters of a model, after freezing."""

    trainable: int
    frozen: int


def freeze_layers(model: PreTrainedModel, depth: int | str) -> ParameterCount:
    """Numbers of trainable and frozen parameters, after freezing in place.

    depth 0 freezes nothing, k the embeddings and the k lowest layers, `all` every layer, which
    leaves a final norm, the pooler and the head. Parts beside the layers, such as relative
    positions, count as embeddings. Frozen parts run in eval mode, without dropout, also while the
    rest trains: their output depends on the input only. ConfigError when the model has no such
    depth.
    """
    if depth == 0:
        return count_parameters(model)
    anatomy = anatomy_of(model)
    n_frozen = frozen_layers(anatomy, depth, name=type(model).__name__)
    below = set(anatomy.below(n_frozen))
    for name, parameter in model.named_parameters():
        if name in below:
            parameter.requires_grad_(False)
    for module in model.modules():
        own = list(module.parameters())
        module.is_frozen = bool(own) and not any(parameter.requires_grad for parameter in own)
    # Trainer calls model.train() in each step, and a module may run both below and above the frozen
    # layers, such as a dropout shared by embeddings and head: the mode is switched in the forward.
    model.register_forward_pre_hook(_pause_training_mode)
    last = anatomy.exit(n_frozen)
    model.get_submodule(last).register_forward_hook(
        partial(_resume_training_mode, anatomy.calls[last])
    )
    return count_parameters(model)


def frozen_layers(anatomy: Anatomy, depth: int | str, *, name: str) -> int:
    """How many layers a depth freezes; ConfigError when the model, called name in the message, has
    too few."""
    n_layers = len(anatomy.layers)
    if depth == 0:
        return 0
    if n_layers == 0:
        problem = f"{name} has no stack of layers that could be found; only 0 is possible"
    elif depth == "all":
        return n_layers
    elif anatomy.n_shared:
        times = f"{anatomy.n_shared} times with the same weights"
        problem = f"{depth} given; {name} runs its layers {times}: 0, or `all`"
    elif int(depth) > n_layers:
        problem = f"{depth} given; {name} has {n_layers} layers: 0 to {n_layers}, or `all`"
    else:
        return int(depth)
    raise ConfigError(Problem("model.freeze_layers", problem))


def frozen_depth(model: PreTrainedModel) -> int:
    """How many of the lowest layers are frozen, with the embeddings; 0 when none is."""
    if all(parameter.requires_grad for parameter in model.parameters()):
        return 0
    anatomy = anatomy_of(model)
    trained = (anatomy.levels[name] for name, p in model.named_parameters() if p.requires_grad)
    return min(min(trained, default=len(anatomy.layers) + 1) - 1, len(anatomy.layers))


def count_parameters(model: nn.Module) -> ParameterCount:
    """The numbers of trainable and frozen parameters."""
    frozen = sum(p.numel() for p in model.parameters() if not p.requires_grad)
    trainable = sum(p.numel() for p in model.parameters() if p.requires_grad)
    return ParameterCount(trainable=trainable, frozen=frozen)


def size_bytes(model: nn.Module) -> int:
    """The size of the weights."""
    return sum(p.numel() * p.element_size() for p in model.parameters())


_running = threading.local()
"""State of the running forward pass, per thread: with several GPUs each thread has its own copy."""


def _pause_training_mode(model: nn.Module, inputs: Any) -> None:
    modules = (module for module in model.modules() if module is not model)
    _running.n_done, _running.paused = 0, [module for module in modules if module.training]
    for module in _running.paused:
        module.training = False


def _resume_training_mode(n_calls: int, module: nn.Module, inputs: Any, output: Any) -> None:
    """Runs after the last of n_calls: some models call one layer repeatedly."""
    _running.n_done = getattr(_running, "n_done", 0) + 1
    if _running.n_done == n_calls:
        for each in _running.paused:
            each.training = not each.is_frozen
