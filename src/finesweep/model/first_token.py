"""A last layer that computes only the first token, which is all that a classifier reads."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from transformers import AttentionInterface, PreTrainedModel

from finesweep.model.capabilities.anatomy import anatomy_of
from finesweep.model.replacement import replaced_forward
from finesweep.model.transformers_private import attention_of


@contextmanager
def last_layer_cls_only(model: PreTrainedModel) -> Iterator[None]:
    """Within it the encoder's output is [B, 1, H], for the model types listed below; `shortcuts`
    checks that logits and gradients stay the same.

    The last layer's keys and values still cover all tokens; the rest is computed for the first
    token only, which saves five sixths of the layer's operations at H = intermediate_size / 4.
    Other model types and attention other than SDPA are left unchanged.
    """
    is_sdpa = str(attention_of(model.config)).startswith("sdpa")
    first = _FIRST_TOKEN.get(model.config.model_type)
    if first is None or not is_sdpa:
        yield
        return
    last = model.get_submodule(anatomy_of(model).layers[-1][-1])
    with replaced_forward(last, lambda _, *args, **kwargs: first(last, *args, **kwargs)):
        yield


def _bert(
    layer: Any, states: torch.Tensor, mask: torch.Tensor | None, *_: Any, **__: Any
) -> torch.Tensor:
    attention, first = layer.attention, states[:, :1]
    own = attention.self
    context = _attend(own, own.query(first), own.key(states), own.value(states), mask)
    output: torch.Tensor = layer.feed_forward_chunk(attention.output(context, first))
    return output


def _distilbert(
    layer: Any, states: torch.Tensor, mask: torch.Tensor | None, *_: Any, **__: Any
) -> torch.Tensor:
    own, first = layer.attention, states[:, :1]
    context = _attend(own, own.q_lin(first), own.k_lin(states), own.v_lin(states), mask)
    attended = layer.sa_layer_norm(own.out_lin(context) + first)
    output: torch.Tensor = layer.output_layer_norm(layer.ffn(attended) + attended)
    return output


def _attend(
    attention: Any,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    mask: torch.Tensor | None,
) -> torch.Tensor:
    """[B, 1, H], from query [B, 1, H], key and value [B, L, H], and mask [B, 1, 1 or L, L]."""

    def heads(states: torch.Tensor) -> torch.Tensor:
        return states.view(*states.shape[:2], -1, attention.attention_head_size).transpose(1, 2)

    attend = AttentionInterface()[attention_of(attention.config)]
    context: torch.Tensor = attend(
        attention,
        heads(query),
        heads(key),
        heads(value),
        None if mask is None else mask[:, :, :1],
        dropout=attention.dropout.p if attention.training else 0.0,
        scaling=attention.scaling,
    )[0]
    return context.flatten(2)


_FIRST_TOKEN: dict[str, Callable[..., torch.Tensor]] = {"bert": _bert, "distilbert": _distilbert}
