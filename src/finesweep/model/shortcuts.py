"""Faster ways to run a model, each taken only where it was seen to come to the same."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import torch
from transformers import PreTrainedModel

from finesweep.model.capabilities.anatomy import Inputs, quiet
from finesweep.model.capabilities.proof import alike, answers
from finesweep.model.dropout import quick_dropout
from finesweep.model.first_token import last_layer_cls_only
from finesweep.model.freeze import frozen_depth

_proven: dict[Hashable, bool] = {}
"""What was tried in this process: it depends on the architecture alone, not on the weights."""


@contextmanager
def faster_training(
    model: PreTrainedModel, inputs: Inputs, *, all_tokens: bool = False
) -> Iterator[None]:
    """Within it model draws dropout quickly and computes the first token alone in its last layer,
    each where it answers and learns as before, but for rounding and random numbers.

    inputs are a few rows of unlike length such as it is trained on. all_tokens says that somebody
    wants all that the last layer makes.
    """
    shortcuts: list[tuple[str, Any, Callable[..., bool]]] = [
        ("dropout", quick_dropout, _drops_alike)
    ]
    if not all_tokens:
        shortcuts.append(("first token", last_layer_cls_only, _answers_alike))
    with ExitStack() as stack:
        for name, shortcut, is_same in shortcuts:
            if _is_proven(name, model, inputs, is_same):
                stack.enter_context(shortcut(model))
        yield


@contextmanager
def faster_answers(model: PreTrainedModel, inputs: Inputs) -> Iterator[None]:
    """Within it model computes the first token alone in its last layer, where it answers as before,
    but for rounding."""
    with ExitStack() as stack:
        if _is_proven("first token", model, inputs, _answers_alike):
            stack.enter_context(last_layer_cls_only(model))
        yield


def architecture(model: PreTrainedModel) -> Hashable:
    """What the way from tokens to logits depends on, but for the weights."""
    return type(model), model.config.to_json_string(), frozen_depth(model)


def _is_proven(
    name: str, model: PreTrainedModel, inputs: Inputs, is_same: Callable[..., bool]
) -> bool:
    key = (name, architecture(model), tuple(inputs))
    if key not in _proven:
        try:
            with torch.random.fork_rng(devices=[]), quiet(model):
                _proven[key] = is_same(model, inputs)
        except Exception:  # an architecture that it was not made for may raise anything
            _proven[key] = False
    return _proven[key]


def _answers_alike(model: PreTrainedModel, inputs: Inputs) -> bool:
    plain = answers(model, inputs)
    with last_layer_cls_only(model):
        return alike(plain, answers(model, inputs))


def _drops_alike(model: PreTrainedModel, inputs: Inputs) -> bool:
    """Whether model in training, where dropout keeps everything, is model in evaluation."""
    plain = answers(model, inputs)
    with quick_dropout(model, keeps_all=True):
        model.train()
        return alike(plain, answers(model, inputs))
