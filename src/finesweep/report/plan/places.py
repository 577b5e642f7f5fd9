"""The size of a split's batches: places for tokens, padding included."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from finesweep.training.batches import GroupedByLength

MAX_ROWS = 20_000
"""Rows of a larger split that stand for it."""


@dataclass(frozen=True)
class RowLengths:
    """Lengths of a split's rows in tokens, special ones included, at the longest max_length."""

    n_rows: int
    sample: np.ndarray
    """[M] int64, of all rows or of MAX_ROWS of them."""
    _known: dict[tuple[int, int, bool], float] = field(default_factory=dict, compare=False)

    def training_places(self, max_length: int, batch_size: int) -> float:
        """Places in the batches of an epoch."""
        return self._places(max_length, batch_size, grouped=True)

    def evaluation_places(self, max_length: int, batch_size: int) -> float:
        """Places in the batches of an evaluation, whose rows are sorted by length."""
        return self._places(max_length, batch_size, grouped=False)

    def n_tokens(self, max_length: int) -> float:
        """Tokens of all rows, without padding."""
        return float(np.minimum(self.sample, max_length).mean()) * self.n_rows

    def _places(self, max_length: int, batch_size: int, *, grouped: bool) -> float:
        key = max_length, batch_size, grouped
        if key not in self._known:
            lengths = np.minimum(self.sample, max_length)
            batches = grouped_batches if grouped else sorted_batches
            n = sum(len(b) * int(lengths[b].max()) for b in batches(lengths, batch_size))
            self._known[key] = n * self.n_rows / len(lengths)
        return self._known[key]


def row_lengths(lengths: np.ndarray) -> RowLengths:
    """From the lengths of all rows."""
    if len(lengths) <= MAX_ROWS:
        return RowLengths(len(lengths), lengths)
    chosen = np.random.default_rng(0).choice(len(lengths), MAX_ROWS, replace=False)
    return RowLengths(len(lengths), lengths[chosen])


def grouped_batches(lengths: np.ndarray, batch_size: int) -> Iterator[np.ndarray]:
    """Indices of each batch's rows, as training draws them."""
    return _batches(np.fromiter(GroupedByLength(lengths, batch_size=batch_size, seed=0), int),
                    batch_size)  # fmt: skip


def sorted_batches(lengths: np.ndarray, batch_size: int) -> Iterator[np.ndarray]:
    """Indices of each batch's rows, as an evaluation takes them."""
    return _batches(np.argsort(-lengths, kind="stable"), batch_size)


def _batches(order: np.ndarray, size: int) -> Iterator[np.ndarray]:
    return (order[start : start + size] for start in range(0, len(order), size))
