"""A step has the same rows on any number of ranks, as Accelerate deals them."""

from __future__ import annotations

import numpy as np
import pytest
from accelerate.data_loader import BatchSamplerShard
from torch.utils.data import BatchSampler

from finesweep.training.batches import GroupedByLength
from finesweep.training.ranks.shares import EqualShares, filler_of, is_filler, rows_of, share_size

LENGTHS = np.random.default_rng(0).integers(5, 60, 43)


def grouped() -> GroupedByLength:
    return GroupedByLength(LENGTHS, batch_size=14, seed=3)


def dealt(batch_size: int, n_ranks: int, *, epoch: int = 0) -> list[list[list[int]]]:
    """For each rank its batches of positions."""
    ranks = []
    for rank in range(n_ranks):
        shares = EqualShares(grouped(), len(LENGTHS), batch_size=batch_size, n_ranks=n_ranks)
        shares.set_epoch(epoch)
        batches = BatchSampler(shares, share_size(batch_size, n_ranks), drop_last=False)
        shard = BatchSamplerShard(batches, n_ranks, rank)
        ranks.append(list(shard))
        assert len(shard) == len(ranks[-1])
    return ranks


@pytest.mark.parametrize(("batch_size", "n_ranks"), [(7, 2), (14, 2), (7, 3), (2, 4), (50, 2)])
def test_every_batch_has_the_rows_that_one_device_would_have(batch_size: int, n_ranks: int) -> None:
    order = list(grouped())
    alone = [order[start : start + batch_size] for start in range(0, 43, batch_size)]
    ranks = dealt(batch_size, n_ranks)
    together = [
        sorted(row for share in shares for row in share if row >= 0)
        for shares in zip(*ranks, strict=True)
    ]
    assert together == [sorted(batch) for batch in alone]
    assert {len(share) for shares in ranks for share in shares} == {share_size(batch_size, n_ranks)}


def test_a_rank_without_a_row_has_a_filler_that_widens_no_batch() -> None:
    last = [shares[-1] for shares in dealt(7, 2)]  # 43 rows leave one for the last batch
    (row,) = (position for share in last for position in share if position >= 0)
    assert last == [[row, *[filler_of(row)] * 3], [filler_of(row)] * 4]
    assert is_filler(np.array(last[0])).tolist() == [False, True, True, True]
    assert rows_of(last[1]).tolist() == [row] * 4


def test_neighbours_by_length_go_to_different_ranks() -> None:
    first, second = (
        np.mean([LENGTHS[row] for share in shares for row in share if row >= 0])
        for shares in dealt(14, 2)
    )
    assert first == pytest.approx(second, rel=0.1)


def test_an_epoch_has_an_order_of_its_own() -> None:
    assert dealt(7, 2) == dealt(7, 2) != dealt(7, 2, epoch=1)
