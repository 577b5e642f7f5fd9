"""The average of several fine-tuned models' weights: a model soup."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from transformers import PreTrainedModel


def averaged(models: Iterable[PreTrainedModel]) -> PreTrainedModel:
    """The first model, whose weights and float buffers are replaced by the means over all models
    (Wortsman et al. 2022); other buffers, such as counts, stay the first's.

    The models, fine-tuned from the same starting weights, are read one by one. Means are computed
    in float64 and rounded once, so weights that all share, such as frozen ones, do not change.
    ValueError when there are none, or their weights have other names or shapes.
    """
    remaining = iter(models)
    first = next(remaining, None)
    if first is None:
        raise ValueError("there are no models to average")
    own = first.state_dict()  # tied weights under each of their names
    totals = {name: value.double() for name, value in own.items() if value.is_floating_point()}
    n_models = 1
    for model in remaining:
        state = model.state_dict()
        if _shapes(state) != _shapes(own):
            raise ValueError("the models' weights have different names or shapes")
        for name, total in totals.items():
            total += state[name]
        n_models += 1
    means = {name: (total / n_models).to(own[name].dtype) for name, total in totals.items()}
    first.load_state_dict({**own, **means})
    return first


def _shapes(state: dict[str, torch.Tensor]) -> dict[str, torch.Size]:
    return {name: value.shape for name, value in state.items()}
