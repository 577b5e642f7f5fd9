"""The longest input of a model, found by running it, since configs omit it or get it wrong.

RoBERTa loses positions to the padding offset, XLNet has no limit, Longformer pads its inputs.
"""

from __future__ import annotations

from typing import Any

import torch
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from finesweep.errors import ConfigError, Problem
from finesweep.model.capabilities.anatomy import Inputs, anatomy_of, quiet
from finesweep.model.capabilities.samples import Samples

WHOLE, FIRST_LAYER = 512, 2048
"""Lengths in tokens up to which the whole model is run, and up to which its first layer is. Longer
inputs run only the parts below the layers, where positions are looked up."""


def check_length(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, *, max_length: int, name: str
) -> None:
    """ConfigError unless the model supports max_length tokens."""
    longest = longest_input(model, tokenizer, up_to=max_length)
    if longest < max_length:
        message = f"{max_length} given; {name} takes at most {longest} tokens"
        raise ConfigError(Problem("dataset.max_length", message))


def longest_input(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, *, up_to: int) -> int:
    """The maximum number of tokens that the model supports, special tokens included, at most
    up_to."""
    columns = tuple(tokenizer.model_input_names)
    samples = Samples(tokenizer, columns, pad_id=tokenizer.pad_token_id)
    if _supports(model, samples.row(up_to), up_to):
        return up_to
    low, high = samples.n_edges, up_to
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (
            (middle, high) if _supports(model, samples.row(middle), middle) else (low, middle)
        )
    return low


def _supports(model: PreTrainedModel, inputs: Inputs, length: int) -> bool:
    try:
        _run_up_to(model, inputs, length)
    except Exception:  # an architecture may raise anything
        return False
    return True


def _run_up_to(model: PreTrainedModel, inputs: Inputs, length: int) -> None:
    """Runs as much of the model as is needed to know whether it supports `length` tokens."""
    layers, hook = anatomy_of(model).layers, None

    def stop(*_: Any) -> None:
        raise _EnoughError

    if layers and length > WHOLE:
        module = model.get_submodule(layers[0][-1 if length <= FIRST_LAYER else 0])
        past = length <= FIRST_LAYER
        hook = (
            module.register_forward_hook(stop) if past else module.register_forward_pre_hook(stop)
        )
    try:
        with torch.no_grad(), torch.random.fork_rng(devices=[]), quiet(model):
            model(**inputs)
    except _EnoughError:
        pass
    finally:
        if hook is not None:
            hook.remove()


class _EnoughError(Exception):
    """Raised when enough of the model has run."""
