"""Several labels of one text as one number, whose bits are the labels.

Code that compares, counts and stores labels treats the number like any label; training and metrics
decode it again.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

MAX_LABELS = 62
"""Number of bits of a non-negative int64 that are used."""
NONE = "none"
"""Shown for an empty label set."""


def encode_sets(labels: np.ndarray) -> np.ndarray:
    """[N] int64: the number of each row's label set; labels are [N, C] bool or 0 and 1."""
    numbers: np.ndarray = labels.astype(np.int64) @ (
        1 << np.arange(labels.shape[1], dtype=np.int64)
    )
    return numbers


def decode_sets(numbers: np.ndarray, n_labels: int) -> np.ndarray:
    """[N, C] int64: 1 if the label is in the row's set; the inverse of encode_sets."""
    bits = np.asarray(numbers, dtype=np.int64)[:, None] >> np.arange(n_labels, dtype=np.int64)
    return bits & 1


def set_name(members: Sequence[bool] | np.ndarray, names: Sequence[str]) -> str:
    """The labels of a set, as `obscene, toxic`."""
    return ", ".join(set_members(members, names)) or NONE


def set_members(members: Sequence[bool] | np.ndarray, names: Sequence[str]) -> list[str]:
    """The names of a set's labels, in the order of names."""
    return [name for name, holds in zip(names, members, strict=True) if holds]


def label_name(label: int | np.ndarray, names: Sequence[str]) -> str:
    """The name of a row's label, an int in [0, C), or of its labels, [C] of 0 and 1."""
    return set_name(label, names) if isinstance(label, np.ndarray) else names[label]


def rows_holding(labels: np.ndarray, label: int) -> np.ndarray:
    """[N] bool: whether a row has the label; labels are [N] int in [0, C), or [N, C] of 0 and 1."""
    return np.asarray(labels == label if labels.ndim == 1 else labels[:, label] == 1)
