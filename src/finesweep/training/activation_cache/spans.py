"""Rows of different lengths in one table of tokens, and their positions in padded batches."""

from __future__ import annotations

from copy import copy

import numpy as np
import torch


class Spans:
    """Where each row's tokens are in a table [all tokens, H], the rows one after another.

    Rows, tables and batches are on the device of the spans, at first the CPU.
    """

    def __init__(self, lengths: np.ndarray, *, pads_left: bool = False) -> None:
        """lengths [N]: tokens of each row. pads_left: batches are padded before the rows."""
        self.pads_left, self.n_tokens = pads_left, int(lengths.sum())
        self.lengths = torch.from_numpy(lengths.astype(np.int64))
        self.starts = self.lengths.cumsum(0) - self.lengths

    def __len__(self) -> int:
        return len(self.lengths)

    def on(self, device: torch.device) -> Spans:
        """The same for rows and tables on this device."""
        moved = copy(self)
        moved.lengths, moved.starts = self.lengths.to(device), self.starts.to(device)
        return moved

    def gather(
        self,
        table: torch.Tensor,
        rows: torch.Tensor,
        width: int,
        *,
        into: torch.Tensor | None = None,
    ) -> torch.Tensor:
        """[B, width, H] of the table, 0 at padding; `into` is a buffer of at least B · width
        tokens, which then holds the result."""
        positions, is_token = self._positions(rows, width)
        n = positions.numel()
        out = table.new_empty(n, table.shape[1]) if into is None else into[:n]
        torch.index_select(table, 0, positions.flatten(), out=out)
        batch = out.view(*positions.shape, -1)
        if table.device.type == "cpu":
            # Far faster than a mask where little is padded; elsewhere it would wait for the device.
            out.index_fill_(0, (~is_token).flatten().nonzero().flatten(), 0)
            return batch
        return batch.masked_fill_(~is_token.unsqueeze(2), 0)

    def scatter(self, table: torch.Tensor, rows: torch.Tensor, batch: torch.Tensor) -> None:
        """Writes the tokens of batch [B, L, H] into the table, in its dtype."""
        positions, is_token = self._positions(rows, batch.shape[1])
        table.index_copy_(0, positions[is_token], batch[is_token].to(table.dtype))

    def _positions(self, rows: torch.Tensor, width: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Positions in the table and whether each is a token, [B, width]; 0 where it is none."""
        lengths = self.lengths[rows].unsqueeze(1)
        offsets = torch.arange(width, device=rows.device).expand(len(rows), width)
        if self.pads_left:
            offsets = offsets - (width - lengths)
        is_token = (offsets >= 0) & (offsets < lengths)
        return (self.starts[rows].unsqueeze(1) + offsets).where(is_token, 0), is_token
