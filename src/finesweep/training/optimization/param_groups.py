"""The optimizer's parameter groups: one for each rate, and their restoration from a checkpoint."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from torch import nn
from torch.optim import Optimizer
from transformers import PreTrainedModel

from finesweep.model import anatomy_of, layer_factors


def split_by_layer(optimizer: Optimizer, model: PreTrainedModel, *, decay: float) -> None:
    """Splits each group of a new optimizer in place, by layer_factors; the rest of a group, such as
    its weight decay, stays. At decay 1 nothing changes."""
    if decay == 1:
        return
    factors = layer_factors(anatomy_of(model), decay)
    by_parameter = {id(each): factors[name] for name, each in model.named_parameters()}
    optimizer.param_groups[:] = [
        part for group in optimizer.param_groups for part in _parts(group, by_parameter)
    ]


def restored_groups(
    saved: list[dict[str, Any]], current: list[dict[str, Any]]
) -> list[dict[str, Any]]:
    """The groups of an optimizer's state, read from JSON, which has no tuples: such as AdamW's
    betas, which are tuples in the groups of a new optimizer."""
    return [
        {
            key: tuple(value) if isinstance(own.get(key), tuple) else value
            for key, value in group.items()
        }
        for group, own in zip(saved, current, strict=True)
    ]


def _parts(group: dict[str, Any], factors: Mapping[int, float]) -> list[dict[str, Any]]:
    members: dict[float, list[nn.Parameter]] = defaultdict(list)
    for parameter in group["params"]:
        members[factors[id(parameter)]].append(parameter)
    return [
        {**group, "params": own, "lr": factor * group["lr"]}
        for factor, own in sorted(members.items())
    ]
