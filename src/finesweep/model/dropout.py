"""Fast dropout on a CPU.

torch draws its numbers one by one there (pytorch issue 138199; only on Intel MKL helps), at 9 ns
each, a fifth of a training step. Here each value takes 16 random bits.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from contextvars import ContextVar
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn.functional import dropout, softmax
from transformers import AttentionInterface, AttentionMaskInterface, PreTrainedModel
from transformers.integrations.sdpa_attention import sdpa_attention_forward

from finesweep.model.attention_mask import unread_mask
from finesweep.model.replacement import replaced_forward
from finesweep.model.transformers_private import attention_of, use_attention

ATTENTION = "sdpa_quick_dropout"
_keeps_all = ContextVar("_keeps_all", default=False)


@contextmanager
def quick_dropout(
    model: PreTrainedModel, *, device: torch.device | None = None, keeps_all: bool = False
) -> Iterator[None]:
    """Within it model's dropout, also that of SDPA attention, draws its masks by `dropout_mask`;
    keeps_all drops nothing, to test that all else is unchanged.

    device: where model is going to run; None is where it is. Unless that is a CPU, the model is
    left alone, also the name of its attention function, by which libraries choose kernels. In eval
    mode nothing changes.
    """
    if (device or model.device).type != "cpu":
        yield
        return
    config, modules = model.config, [m for m in model.modules() if type(m) is nn.Dropout]
    before = attention_of(config)
    if before == "sdpa":
        AttentionInterface.register(ATTENTION, _attention)
        AttentionMaskInterface.register(ATTENTION, unread_mask)
        use_attention(config, ATTENTION)
    all_before = _keeps_all.set(keeps_all)
    try:
        with ExitStack() as stack:
            for module in modules:
                stack.enter_context(replaced_forward(module, partial(_dropout, module)))
            yield
    finally:
        _keeps_all.reset(all_before)
        use_attention(config, before)


def dropout_mask(like: torch.Tensor, p: float) -> torch.Tensor:
    """A mask shaped like `like`, 0 with probability p, else 1 / (1 - p); p in [0, 1), within 1e-5.

    SFC64 yields the bits. It is seeded from torch's generator, so torch's seed determines the mask.
    """
    if _keeps_all.get():
        return torch.ones_like(like)
    seed, n = int(torch.randint(2**63 - 1, ())), like.numel()
    bits = np.random.SFC64(seed).random_raw(-(-n // 4)).view(np.int16)[:n]
    dropped = round(p * 2**16)
    mask = torch.empty_like(like, requires_grad=False)
    torch.ge(torch.from_numpy(bits).view(like.shape), dropped - 2**15, out=mask)
    return mask.mul_(2**16 / (2**16 - dropped))


def _dropout(module: Any, _: Any, states: torch.Tensor) -> torch.Tensor:
    if not module.training or module.p in (0.0, 1.0) or states.device.type != "cpu":
        return dropout(states, module.p, module.training, module.inplace)
    return states * dropout_mask(states, module.p)


def _attention(
    module: Any,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor | None,
    dropout: float = 0.0,
    scaling: float | None = None,
    **others: Any,
) -> tuple[torch.Tensor, None]:
    """[B, L, heads, H / heads], from query, key and value [B, heads, L, H / heads]."""
    plain = attention_mask is None or attention_mask.dtype == torch.bool
    unusual = getattr(module, "is_causal", False) or others.get("position_bias") is not None
    if dropout in (0.0, 1.0) or query.device.type != "cpu" or unusual or not plain:
        output: tuple[torch.Tensor, None] = sdpa_attention_forward(
            module, query, key, value, attention_mask, dropout=dropout, scaling=scaling, **others
        )
        return output
    scores = (query * (scaling or query.shape[-1] ** -0.5)) @ key.transpose(-1, -2)
    if attention_mask is not None:
        scores = scores.masked_fill(~attention_mask, torch.finfo(scores.dtype).min)
    weights = softmax(scores, dim=-1)
    context = (weights * dropout_mask(weights, dropout)) @ value
    return context.transpose(1, 2).contiguous(), None
