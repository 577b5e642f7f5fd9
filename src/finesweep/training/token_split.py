"""One split of token ids as arrays, from which batches are made without an object per token."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import datasets
import numpy as np
from torch.utils.data import Dataset

from finesweep.training.ranks.shares import is_filler, rows_of
from finesweep.training.truncation import InputTemplate

NO_ROW = -1
IGNORED = -100
"""Label that counts nothing, for Trainer and for the loss."""


@dataclass(frozen=True)
class Rows:
    """B rows of a split: their number, labels and token ids."""

    row: np.ndarray
    """[B] int64: each one's number in the whole split; NO_ROW for a filler."""
    labels: np.ndarray
    """[B] int64, or [B, C] float32 of 0 and 1; IGNORED for a filler."""
    ids: list[np.ndarray]
    """For each text of a row: the ids kept of it, of all rows, one row after another."""
    n_kept: list[np.ndarray]
    """For each text: how many of these belong to each row, [B] int64."""


class TokenSplit(Dataset[Rows]):
    """A split's rows, truncated as the template says; its items are Rows, for a Collator.

    Token ids stay where the split has them, in memory-mapped files: other processes share them.
    """

    def __init__(self, split: datasets.Dataset, template: InputTemplate) -> None:
        split = split.with_format("arrow")
        self.row = split["row"][:].to_numpy().astype(np.int64)
        self.labels = _labels(split)
        texts = [_Texts(split, column) for column in template.columns]
        self.n_kept = template.n_kept(*(each.n_ids for each in texts))
        self.texts = [
            each.kept(n, cuts_left=template.cuts_left)
            for each, n in zip(texts, self.n_kept, strict=True)
        ]
        n_added = sum(map(len, template.edges))
        self.lengths: np.ndarray = np.sum(self.n_kept, axis=0) + n_added
        """[N] int64: the length of each row's input, special tokens included."""

    def __len__(self) -> int:
        return len(self.row)

    def __getitem__(self, position: int) -> Rows:
        return self.take([position])

    def __getitems__(self, positions: Sequence[int]) -> Rows:
        """What torch's DataLoader calls for a batch."""
        return self.take(positions)

    def take(self, positions: Sequence[int]) -> Rows:
        """The rows at these positions, some of which may stand for fillers (`ranks/shares.py`)."""
        where = rows_of(positions)
        row, labels = self.row[where], self.labels[where]
        if (filler := is_filler(np.asarray(positions))).any():
            row[filler], labels[filler] = NO_ROW, IGNORED
        return Rows(
            row=row,
            labels=labels,
            ids=[text.of(where) for text in self.texts],
            n_kept=[n[where] for n in self.n_kept],
        )

    def select(self, positions: np.ndarray) -> TokenSplit:
        """The split of only these rows."""
        part = object.__new__(TokenSplit)
        part.row, part.labels = self.row[positions], self.labels[positions]
        part.n_kept = [n[positions] for n in self.n_kept]
        part.texts = [text.select(positions) for text in self.texts]
        part.lengths = self.lengths[positions]
        return part


class _Texts:
    """The ids of one column: slices of the chunks that hold it."""

    def __init__(self, split: datasets.Dataset, column: str) -> None:
        """split: in arrow's format."""
        chunks = split[column][:].chunks
        self.chunks = [chunk.values.to_numpy() for chunk in chunks]  # views, not copies
        offsets = [chunk.offsets.to_numpy().astype(np.int64) for chunk in chunks]
        self.chunk = np.repeat(np.arange(len(chunks)), [len(each) - 1 for each in offsets])
        self.starts = _joined([each[:-1] for each in offsets])
        self.ends = _joined([each[1:] for each in offsets])

    @property
    def n_ids(self) -> np.ndarray:
        n_ids: np.ndarray = self.ends - self.starts
        return n_ids

    def kept(self, n_kept: np.ndarray, *, cuts_left: bool) -> _Texts:
        """The same with only n_kept [N] ids of each row."""
        if cuts_left:
            return self._with(self.chunk, self.ends - n_kept, self.ends)
        return self._with(self.chunk, self.starts, self.starts + n_kept)

    def select(self, positions: np.ndarray) -> _Texts:
        return self._with(self.chunk[positions], self.starts[positions], self.ends[positions])

    def of(self, positions: np.ndarray) -> np.ndarray:
        """The ids of rows, one row after another."""
        chunk, starts, ends = (
            each[positions].tolist() for each in (self.chunk, self.starts, self.ends)
        )
        return _joined(
            [self.chunks[k][start:end] for k, start, end in zip(chunk, starts, ends, strict=True)]
        )

    def _with(self, chunk: np.ndarray, starts: np.ndarray, ends: np.ndarray) -> _Texts:
        other = object.__new__(_Texts)
        other.chunks, other.chunk, other.starts, other.ends = self.chunks, chunk, starts, ends
        return other


def _joined(arrays: list[np.ndarray]) -> np.ndarray:
    return np.concatenate(arrays) if arrays else np.empty(0, dtype=np.int64)


def _labels(split: datasets.Dataset) -> np.ndarray:
    column: Any = split["labels"][:]
    several = hasattr(column.type, "value_type")
    values: np.ndarray
    if not several:
        values = column.to_numpy()
        return values.astype(np.int64)
    values = np.concatenate([chunk.flatten().to_numpy() for chunk in column.chunks])
    return values.reshape(len(column), -1).astype(np.float32)
