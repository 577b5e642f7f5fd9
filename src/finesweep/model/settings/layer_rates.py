"""The share of the learning rate that each layer gets: less, the lower it is.

Howard and Ruder 2018 (https://arxiv.org/abs/1801.06146) give each layer a fraction of the rate of
the layer above. The form is that of ELECTRA and BEiT: with L layers, the k-th from below has
decay^(L + 1 - k) of the rate, the embeddings decay^(L + 1), pooler and head all of it.
"""

from __future__ import annotations

from finesweep.errors import ConfigError, Problem
from finesweep.model.capabilities.anatomy import Anatomy

FIELD = "training.layer_decay"


def layer_factors(anatomy: Anatomy, decay: float) -> dict[str, float]:
    """Parameter → its factor of the learning rate, in (0, 1]."""
    return {name: decay ** _distance(anatomy, name) for name in anatomy.levels}


def check_layer_decay(anatomy: Anatomy, decay: float, *, name: str) -> None:
    """ConfigError when layers cannot have rates of their own in the model, called name in the
    message."""
    problem = ""
    if decay == 1:
        return
    if not anatomy.layers:
        problem = f"{name} has no stack of layers that could be found"
    elif anatomy.n_shared:
        problem = f"{name} runs its layers {anatomy.n_shared} times with the same weights"
    if problem:
        raise ConfigError(Problem(FIELD, f"{decay} given; {problem}; only 1 is possible"))


def _distance(anatomy: Anatomy, name: str) -> int:
    """How many layers, the head included, are above a parameter's own: 0 for the head's, L + 1 for
    the embeddings'. What lies between two layers counts as part of the lower one."""
    n_layers, level = len(anatomy.layers), anatomy.levels[name]
    if level > n_layers:
        return 0
    parts = tuple(f"{part}." for part in anatomy.layers[level - 1])
    own = level if name.startswith(parts) else level - 1
    return n_layers + 1 - own
