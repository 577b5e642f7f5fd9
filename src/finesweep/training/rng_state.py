"""The global streams of random numbers: read, put back, and kept where they stand."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch

Streams = dict[str, Any]
"""Plain values, and tensors of uint8 and uint32."""


def current_streams() -> Streams:
    """Where Python's, numpy's, torch's and each GPU's stream stands."""
    return {
        "python": random.getstate(),
        "numpy": np.random.get_state(legacy=False),
        "torch": torch.get_rng_state(),
        "cuda": torch.cuda.get_rng_state_all() if torch.cuda.is_available() else [],
    }


def set_streams(streams: Streams) -> None:
    """Puts every stream of this machine back where streams say, which may come from JSON."""
    version, internal, next_gauss = streams["python"]
    random.setstate((version, tuple(internal), next_gauss))
    mersenne = streams["numpy"]["state"]
    key = np.asarray(mersenne["key"])
    np.random.set_state({**streams["numpy"], "state": {**mersenne, "key": key}})
    torch.set_rng_state(streams["torch"])
    # A checkpoint may go on where there are fewer GPUs, or none.
    torch.cuda.set_rng_state_all(streams["cuda"][: torch.cuda.device_count()])


@contextmanager
def unmoved_streams() -> Iterator[Streams]:
    """Where the streams stand, to which they return at the end, also after an exception."""
    streams = current_streams()
    try:
        yield streams
    finally:
        set_streams(streams)
