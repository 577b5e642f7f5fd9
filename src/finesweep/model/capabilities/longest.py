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
MOST = 8192
"""Tokens up to which a stated limit is tried: masks of longer inputs may fill the memory."""


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
    samples = _samples(tokenizer)
    longest = _longest(model, samples, up_to=up_to, whole=WHOLE)
    return samples.n_edges if longest is None else longest


def readable_length(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, *, stated: int
) -> int:
    """The number of tokens that a model is to be given of which others state a limit: stated, or
    fewer if it does not support as many.

    Quick: at most the first layer is run. Above MOST, and of a model that cannot be run here at
    all, stated is believed.
    """
    device = model.device
    if stated > MOST:
        return stated
    try:
        samples = _samples(tokenizer)
        model.to("cpu")  # a GPU that is asked for a missing position computes nothing afterwards
    except (ConfigError, RuntimeError, ValueError):  # its special tokens, or its devices, are odd
        return stated
    try:
        return _longest(model, samples, up_to=stated, whole=0) or stated
    finally:
        model.to(device)


def _samples(tokenizer: PreTrainedTokenizerBase) -> Samples:
    columns = tuple(tokenizer.model_input_names)
    return Samples(tokenizer, columns, pad_id=tokenizer.pad_token_id)


def _longest(model: PreTrainedModel, samples: Samples, *, up_to: int, whole: int) -> int | None:
    """The same, with the whole model run up to `whole` tokens; None if it supports no text.

    It is looked for from above, since a limit that is stated is usually missed by a few tokens.
    """

    def supports(length: int) -> bool:
        return _supports(model, samples.row(length), length, whole=whole)

    if supports(up_to):
        return up_to
    low, high, step = up_to - 1, up_to, 1
    while low > samples.n_edges and not supports(low):
        low, high, step = low - 2 * step, low, 2 * step
    low = max(low, samples.n_edges)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if supports(middle) else (low, middle)
    return low if low > samples.n_edges else None


def _supports(model: PreTrainedModel, inputs: Inputs, length: int, *, whole: int) -> bool:
    try:
        _run_up_to(model, inputs, length, whole=whole)
    except Exception:  # an architecture may raise anything
        return False
    return True


def _run_up_to(model: PreTrainedModel, inputs: Inputs, length: int, *, whole: int) -> None:
    """Runs as much of the model as is needed to know whether it supports `length` tokens."""
    layers, hook = anatomy_of(model).layers, None

    def stop(*_: Any) -> None:
        raise _EnoughError

    if layers and length > whole:
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
