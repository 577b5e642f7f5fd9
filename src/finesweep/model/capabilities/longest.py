"""The longest input of a model, found by running it: configs do not say it, or say another.

RoBERTa and its kin lose places to the padding, XLNet has no bound, Longformer fills up.
"""

from __future__ import annotations

from typing import Any

import torch
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from finesweep.errors import ConfigError, Problem
from finesweep.model.capabilities.anatomy import Inputs, anatomy_of, quiet
from finesweep.model.capabilities.samples import Samples

WHOLE, FIRST_LAYER = 512, 2048
"""Tokens up to which the whole model is run, and its first layer; beyond, only what runs below the
layers, where positions are looked up, is."""


def check_length(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, *, max_length: int, name: str
) -> None:
    """ConfigError unless the model takes max_length tokens."""
    longest = longest_input(model, tokenizer, up_to=max_length)
    if longest < max_length:
        message = f"{max_length} given; {name} takes at most {longest} tokens"
        raise ConfigError(Problem("dataset.max_length", message))


def longest_input(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, *, up_to: int) -> int:
    """The most tokens that the model takes, special tokens included; up_to where it takes so
    many."""
    columns = tuple(tokenizer.model_input_names)
    samples = Samples(tokenizer, columns, pad_id=tokenizer.pad_token_id)
    if _takes(model, samples.row(up_to), up_to):
        return up_to
    low, high = samples.n_edges, up_to
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if _takes(model, samples.row(middle), middle) else (low, middle)
    return low


def _takes(model: PreTrainedModel, inputs: Inputs, length: int) -> bool:
    try:
        _run_up_to(model, inputs, length)
    except Exception:  # an architecture may raise anything
        return False
    return True


def _run_up_to(model: PreTrainedModel, inputs: Inputs, length: int) -> None:
    """Runs as much of the model as says whether it takes so many tokens."""
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
    """What was to be seen has been seen."""
