"""The global random number generators: read, set, and preserved over a block."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch

RngState = dict[str, Any]
"""Python, numpy, torch and GPU states: plain values, and tensors of uint8 and uint32."""


def get_rng_state() -> RngState:
    """The state of Python's, numpy's, torch's and each GPU's generator."""
    return {
        "python": random.getstate(),
        "numpy": np.random.get_state(legacy=False),
        "torch": torch.get_rng_state(),
        "cuda": torch.cuda.get_rng_state_all() if torch.cuda.is_available() else [],
    }


def set_rng_state(state: RngState) -> None:
    """Sets every generator of this machine; state may come from JSON."""
    version, internal, next_gauss = state["python"]
    random.setstate((version, tuple(internal), next_gauss))
    mersenne = state["numpy"]["state"]
    key = np.asarray(mersenne["key"])
    np.random.set_state({**state["numpy"], "state": {**mersenne, "key": key}})
    torch.set_rng_state(state["torch"])
    # A checkpoint may be resumed with fewer GPUs, or none.
    torch.cuda.set_rng_state_all(state["cuda"][: torch.cuda.device_count()])


@contextmanager
def preserve_rng_state() -> Iterator[RngState]:
    """The state now, which is restored on exit, also after an exception."""
    state = get_rng_state()
    try:
        yield state
    finally:
        set_rng_state(state)
