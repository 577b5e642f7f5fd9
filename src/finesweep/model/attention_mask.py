"""Attention masks made without reading the padding back from the device.

Transformers reads a batch's mask in every forward pass, to leave it out if nothing is padded
(`padding_mask.all()` in masking_utils.py), and a GPU's queue runs empty meanwhile. Whoever made
the batch knows.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import torch
from transformers import AttentionMaskInterface
from transformers.masking_utils import sdpa_mask

SDPA = "sdpa"
_known: ContextVar[tuple[torch.Size, bool] | None] = ContextVar("_known", default=None)
"""The shape of the batch's mask, [B, L], and whether any of its tokens is padding."""


@contextmanager
def known_padding(shape: torch.Size, *, is_padded: bool) -> Iterator[None]:
    """Within it models with SDPA attention do not read a mask of this shape back: it has padding
    or it has none, as said. Masks come out the same.

    Masks of other shapes, such as those of some rows of the batch, are read as before. Other
    attention functions have masks of their own, and read them.
    """
    before = AttentionMaskInterface()[SDPA]
    AttentionMaskInterface.register(SDPA, unread_mask)
    token = _known.set((shape, is_padded))
    try:
        yield
    finally:
        _known.reset(token)
        AttentionMaskInterface.register(SDPA, before)


def unread_mask(
    *, attention_mask: torch.Tensor | None, allow_is_bidirectional_skip: bool = False, **others: Any
) -> torch.Tensor | None:
    """`sdpa_mask` of the same arguments: [B, 1, L, L] bool, or None if attention needs no mask."""
    known = _known.get()
    if allow_is_bidirectional_skip and known is not None and attention_mask is not None:
        shape, is_padded = known
        if attention_mask.shape == shape and others["kv_length"] == shape[-1]:
            attention_mask = attention_mask if is_padded else None
            allow_is_bidirectional_skip = not is_padded
    mask: torch.Tensor | None = sdpa_mask(
        attention_mask=attention_mask,
        allow_is_bidirectional_skip=allow_is_bidirectional_skip,
        **others,
    )
    return mask
