"""Rows of different lengths are found in one table, whatever the side of the padding."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from finesweep.training.activation_cache.spans import Spans

LENGTHS = np.array([2, 1, 3])
TABLE = torch.arange(1.0, 13.0).view(6, 2)


def gathered(*, pads_left: bool, into: torch.Tensor | None = None) -> list[list[list[float]]]:
    spans = Spans(LENGTHS, pads_left=pads_left)
    rows: list[list[list[float]]] = spans.gather(TABLE, torch.tensor([2, 1]), 4, into=into).tolist()
    return rows


def test_rows_are_padded_on_their_side() -> None:
    one, other = [[7.0, 8.0], [9.0, 10.0], [11.0, 12.0]], [[5.0, 6.0]]
    pad = [0.0, 0.0]
    assert gathered(pads_left=False) == [[*one, pad], [*other, pad, pad, pad]]
    assert gathered(pads_left=True) == [[pad, *one], [pad, pad, pad, *other]]


def test_what_a_buffer_had_before_is_gone() -> None:
    buffer = torch.full((20, 2), 99.0)
    assert gathered(pads_left=True, into=buffer) == gathered(pads_left=True)
    assert buffer[8:].eq(99.0).all()


@pytest.mark.parametrize("pads_left", [False, True])
def test_a_batch_is_written_where_it_is_read(pads_left: bool) -> None:
    spans, rows = Spans(LENGTHS, pads_left=pads_left), torch.tensor([0, 2])
    batch = spans.gather(TABLE, rows, 3)
    table = torch.zeros_like(TABLE)
    spans.scatter(table, rows, batch + 5 * (batch == 0))  # padding is not written
    assert torch.equal(table[[0, 1, 3, 4, 5]], TABLE[[0, 1, 3, 4, 5]])
    assert table[2].tolist() == [0.0, 0.0]
