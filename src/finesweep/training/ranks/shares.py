"""Each rank's share of a batch, in the order in which Accelerate deals rows to ranks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from torch.utils.data import Sampler


class EqualShares(Sampler[int]):
    """Rows in another sampler's order, such that each step has the same rows on any number of
    ranks.

    Accelerate's BatchSamplerShard gives batches of `share_size` rows to ranks in turn, and where
    some are left over it repeats rows. Here none are left over: a share that is one row short, or
    empty, is filled with fillers, which count nothing (`is_filler`). Lengths are mixed: rows that
    follow each other in a batch, which are of similar length, go to different ranks.
    """

    def __init__(self, rows: Sampler[int], n_rows: int, *, batch_size: int, n_ranks: int) -> None:
        """rows yields n_rows positions; batch_size is that of all ranks together."""
        self.rows, self.n_rows = rows, n_rows
        self.batch_size, self.n_ranks = batch_size, n_ranks
        self.share_size = share_size(batch_size, n_ranks)

    def set_epoch(self, epoch: int) -> None:
        """Called as the other sampler's."""
        if hasattr(self.rows, "set_epoch"):
            self.rows.set_epoch(epoch)

    def __len__(self) -> int:
        n_batches = -(-self.n_rows // self.batch_size)
        return n_batches * self.n_ranks * self.share_size

    def __iter__(self) -> Iterator[int]:
        rows = list(self.rows)
        for start in range(0, len(rows), self.batch_size):
            batch = rows[start : start + self.batch_size]
            for rank in range(self.n_ranks):
                share = batch[rank :: self.n_ranks]
                yield from share
                yield from [filler_of(batch[0])] * (self.share_size - len(share))


def share_size(batch_size: int, n_ranks: int) -> int:
    """Rows of one rank in a batch of batch_size, fillers included."""
    return -(-batch_size // n_ranks)


def filler_of(row: int) -> int:
    """A position that stands for a copy of this row which counts nothing."""
    return -1 - row


def is_filler(positions: np.ndarray) -> np.ndarray:
    """[B] bool."""
    return positions < 0


def rows_of(positions: Sequence[int] | np.ndarray) -> np.ndarray:
    """[B] int64: the rows at these positions, or of which they are fillers."""
    where = np.asarray(positions, dtype=np.int64)
    return np.where(is_filler(where), -1 - where, where)
