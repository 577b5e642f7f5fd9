"""Faster ways to run a model, each used only once it is proven equivalent."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import torch
from transformers import PreTrainedModel

from finesweep.model.capabilities.anatomy import Inputs, quiet
from finesweep.model.capabilities.proof import alike, logits_and_gradients
from finesweep.model.dropout import quick_dropout
from finesweep.model.first_token import last_layer_cls_only
from finesweep.model.freeze import frozen_depth

_proven: dict[Hashable, bool] = {}
"""Results of this process: they depend on the architecture, not on the weights."""


@contextmanager
def faster_training(
    model: PreTrainedModel,
    inputs: Inputs,
    *,
    device: torch.device | None = None,
    all_tokens: bool = False,
) -> Iterator[None]:
    """Within it model uses quick dropout and computes only the first token in its last layer, each
    if logits and gradients stay the same but for rounding and random numbers.

    inputs are a few training rows of different lengths, where the model is now. device: where it is
    going to be trained; None is the same. all_tokens: the last layer's whole output is needed.
    """
    shortcuts: list[tuple[str, Any, Callable[..., bool]]] = []
    if (device or model.device).type == "cpu":
        shortcuts.append(("dropout", quick_dropout, _is_dropout_equivalent))
    if not all_tokens:
        shortcuts.append(("first token", last_layer_cls_only, _is_first_token_enough))
    with ExitStack() as stack:
        for name, shortcut, is_same in shortcuts:
            if _is_proven(name, model, inputs, is_same):
                stack.enter_context(shortcut(model))
        yield


@contextmanager
def faster_inference(model: PreTrainedModel, inputs: Inputs) -> Iterator[None]:
    """Within it model computes only the first token in its last layer, if the logits stay the same
    but for rounding."""
    with ExitStack() as stack:
        if _is_proven("first token", model, inputs, _is_first_token_enough):
            stack.enter_context(last_layer_cls_only(model))
        yield


def architecture(model: PreTrainedModel) -> Hashable:
    """A key for all that logits depend on, except inputs and weights."""
    trained = tuple(name for name, each in model.named_parameters() if each.requires_grad)
    return type(model), model.config.to_json_string(), frozen_depth(model), hash(trained)


def _is_proven(
    name: str, model: PreTrainedModel, inputs: Inputs, is_same: Callable[..., bool]
) -> bool:
    key = (name, architecture(model), tuple(inputs))
    if key not in _proven:
        try:
            with torch.random.fork_rng(devices=[]), quiet(model):
                _proven[key] = is_same(model, inputs)
        except Exception:  # other architectures may raise anything
            _proven[key] = False
    return _proven[key]


def _is_first_token_enough(model: PreTrainedModel, inputs: Inputs) -> bool:
    plain = logits_and_gradients(model, inputs)
    with last_layer_cls_only(model):
        return alike(plain, logits_and_gradients(model, inputs))


def _is_dropout_equivalent(model: PreTrainedModel, inputs: Inputs) -> bool:
    """Whether the model in train mode, with dropout that keeps everything, equals eval mode."""
    plain = logits_and_gradients(model, inputs)
    with quick_dropout(model, keeps_all=True):
        model.train()
        return alike(plain, logits_and_gradients(model, inputs))
