"""Several labels of one text as one: a set of labels is a number, whose bits are the labels.

Whatever compares, counts and keeps labels takes such a number as any other label; whatever learns
from them or measures takes it apart again.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

MAX_LABELS = 62
"""That an int64 holds."""
NONE = "none"
"""What people are told of a set without a label."""


def encode_sets(held: np.ndarray) -> np.ndarray:
    """[N] int64, the number of each row's set; held [N, C] bool or 0 and 1."""
    numbers: np.ndarray = held.astype(np.int64) @ (1 << np.arange(held.shape[1], dtype=np.int64))
    return numbers


def decode_sets(numbers: np.ndarray, n_labels: int) -> np.ndarray:
    """[N, C] int64, 1 where the label is in the row's set: what set_numbers were made of."""
    bits = np.asarray(numbers, dtype=np.int64)[:, None] >> np.arange(n_labels, dtype=np.int64)
    return bits & 1


def set_name(held: Sequence[bool] | np.ndarray, names: Sequence[str]) -> str:
    """The labels that hold, as `obscene, toxic`."""
    return ", ".join(set_members(held, names)) or NONE


def set_members(held: Sequence[bool] | np.ndarray, names: Sequence[str]) -> list[str]:
    """The names of the labels that hold, in the order of the names."""
    return [name for name, holds in zip(names, held, strict=True) if holds]


def label_name(label: int | np.ndarray, names: Sequence[str]) -> str:
    """What people are told of a row's label, an int in [0, C), or of its labels, [C] of 0 and 1."""
    return set_name(label, names) if isinstance(label, np.ndarray) else names[label]


def rows_holding(labels: np.ndarray, label: int) -> np.ndarray:
    """[N] bool: the rows for which a label holds, of ints [N] in [0, C), or [N, C] of 0 and 1."""
    return np.asarray(labels == label if labels.ndim == 1 else labels[:, label] == 1)
