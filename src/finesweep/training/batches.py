"""Batches of token ids: which rows stand together, where each text is cut, and what pads it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Any

import datasets
import numpy as np
import torch
from torch.utils.data import Sampler
from transformers import PreTrainedTokenizerBase

from finesweep.records import SplitName, Tokens

ROW = "row"


class Frame:
    """What a tokenizer puts around one text, and from which end it cuts."""

    def __init__(self, tokenizer: PreTrainedTokenizerBase, *, max_length: int) -> None:
        bare, framed = (
            tokenizer("a", add_special_tokens=special, truncation=False)["input_ids"]
            for special in (False, True)
        )
        starts = range(len(framed) - len(bare) + 1)
        start = next(k for k in starts if framed[k : k + len(bare)] == bare)
        self.before, self.after = framed[:start], framed[start + len(bare) :]
        self.room = max_length - len(self.before) - len(self.after)
        self.cuts_left = tokenizer.truncation_side == "left"

    def around(self, ids: Sequence[int]) -> list[int]:
        """The whole input of one text, as tokenizer(text, truncation=True) makes it."""
        kept = ids[len(ids) - self.room :] if self.cuts_left and len(ids) > self.room else ids
        return [*self.before, *kept[: self.room], *self.after]

    def lengths(self, split: datasets.Dataset) -> np.ndarray:
        """[N] int64: the length of each row's input."""
        kept: np.ndarray = np.minimum(_n_ids(split), self.room)
        return kept + len(self.before) + len(self.after)

    def cuts(self, split: datasets.Dataset) -> np.ndarray:
        """[N] bool: the rows of which only a part fits."""
        cut: np.ndarray = _n_ids(split) > self.room
        return cut


class Collator:
    """Rows of a token split as one padded batch: input_ids, attention_mask, labels and row."""

    def __init__(self, tokenizer: PreTrainedTokenizerBase, frame: Frame) -> None:
        self.frame, self.pad_id = frame, tokenizer.pad_token_id or 0
        self.pads_left = tokenizer.padding_side == "left"

    def __call__(self, rows: Sequence[dict[str, Any]]) -> dict[str, torch.Tensor]:
        """int64 tensors: ids and mask [B, longest], labels and row [B]."""
        inputs = [self.frame.around(row["input_ids"]) for row in rows]
        shape = (len(inputs), max(map(len, inputs)))
        ids = np.full(shape, self.pad_id, dtype=np.int64)
        mask = np.zeros(shape, dtype=np.int64)
        for k, one in enumerate(inputs):
            place = slice(shape[1] - len(one), None) if self.pads_left else slice(len(one))
            ids[k, place], mask[k, place] = one, 1
        return {
            "input_ids": torch.from_numpy(ids),
            "attention_mask": torch.from_numpy(mask),
            "labels": torch.tensor([row["labels"] for row in rows]),
            ROW: torch.tensor([row[ROW] for row in rows]),
        }


def rows_cut(tokens: Tokens, split: SplitName) -> np.ndarray:
    """[N] bool: the rows of which a model reads only a part."""
    frame = Frame(tokens.tokenizer, max_length=tokens.max_length)
    return frame.cuts(getattr(tokens, split))


def _n_ids(split: datasets.Dataset) -> Any:
    column = split.with_format("arrow")["input_ids"][:]
    return np.asarray(column.combine_chunks().value_lengths(), dtype=np.int64)


class GroupedByLength(Sampler[int]):
    """A random order in which texts of similar length share a batch, another in each epoch.

    Rows are shuffled, sorted within stretches of STRETCH batches, or a quarter of all, and the
    batches shuffled again: which lengths come early in an epoch is left to chance.
    """

    STRETCH = 50

    def __init__(self, lengths: np.ndarray, *, batch_size: int, seed: int) -> None:
        self.lengths, self.batch_size, self.seed = lengths, batch_size, seed
        self.epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Called by Trainer; so a resumed epoch has the order that it had."""
        self.epoch = epoch

    def __len__(self) -> int:
        return len(self.lengths)

    def __iter__(self) -> Iterator[int]:
        drawn = np.random.default_rng([self.seed, self.epoch])
        order, size = drawn.permutation(len(self.lengths)), self.batch_size
        stretch = size * max(1, min(self.STRETCH, len(order) // (4 * size)))
        for start in range(0, len(order), stretch):
            part = order[start : start + stretch]
            order[start : start + stretch] = part[np.argsort(self.lengths[part], kind="stable")]
        n_full = len(order) // size  # what is left over makes a smaller batch, which stays last
        batches = drawn.permutation(order[: n_full * size].reshape(n_full, size))
        yield from batches.ravel().tolist()
        yield from order[n_full * size :].tolist()


class SortedByLength(Sampler[int]):
    """The longest rows first, for evaluations; `restored` puts what comes out in data order."""

    def __init__(self, lengths: np.ndarray) -> None:
        self.order = np.argsort(-lengths, kind="stable")

    def __len__(self) -> int:
        return len(self.order)

    def __iter__(self) -> Iterator[int]:
        yield from self.order.tolist()

    def restored(self, values: np.ndarray) -> np.ndarray:
        """values [N, …] in the order of the rows."""
        restored: np.ndarray = values[self._places]
        return restored

    @cached_property
    def _places(self) -> np.ndarray:
        return np.argsort(self.order)
