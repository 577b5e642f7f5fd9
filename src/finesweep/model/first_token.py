"""A last layer that computes the first token alone, which is all that a classifier reads."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from transformers import AttentionInterface, PreTrainedModel

from finesweep.model.capabilities.anatomy import anatomy_of
from finesweep.model.replacement import replaced_forward


@contextmanager
def last_layer_cls_only(model: PreTrainedModel) -> Iterator[None]:
    """Within it the encoder's output is [B, 1, H], where its type is one of those below; whether
    logits and gradients then are as before is for `shortcuts` to see.

    Keys and values of the last layer are still of all tokens. What only other tokens' outputs need
    is left out, which is five sixths of the layer's operations at H = intermediate_size / 4. Models
    of other types, with other attention than SDPA, or spread over several GPUs stay as they are.
    """
    is_sdpa = str(model.config._attn_implementation).startswith("sdpa")
    first = _FIRST_TOKEN.get(model.config.model_type)
    if first is None or not is_sdpa or torch.cuda.device_count() > 1:
        yield
        return
    last = model.get_submodule(anatomy_of(model).layers[-1][-1])
    with replaced_forward(last, lambda _, *given, **named: first(last, *given, **named)):
        yield


def _bert(
    layer: Any, states: torch.Tensor, mask: torch.Tensor | None, *_: Any, **__: Any
) -> torch.Tensor:
    attention, first = layer.attention, states[:, :1]
    own = attention.self
    context = _attended(own, own.query(first), own.key(states), own.value(states), mask)
    output: torch.Tensor = layer.feed_forward_chunk(attention.output(context, first))
    return output


def _distilbert(
    layer: Any, states: torch.Tensor, mask: torch.Tensor | None, *_: Any, **__: Any
) -> torch.Tensor:
    own, first = layer.attention, states[:, :1]
    context = _attended(own, own.q_lin(first), own.k_lin(states), own.v_lin(states), mask)
    attended = layer.sa_layer_norm(own.out_lin(context) + first)
    output: torch.Tensor = layer.output_layer_norm(layer.ffn(attended) + attended)
    return output


def _attended(
    attention: Any,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    mask: torch.Tensor | None,
) -> torch.Tensor:
    """[B, 1, H] of query [B, 1, H], key and value [B, L, H], and mask [B, 1, 1 or L, L]."""

    def heads(states: torch.Tensor) -> torch.Tensor:
        return states.view(*states.shape[:2], -1, attention.attention_head_size).transpose(1, 2)

    attend = AttentionInterface()[attention.config._attn_implementation]
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
