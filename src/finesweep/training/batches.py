"""Batches of token ids: which rows share a batch, and how they are padded."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Any

import datasets
import numpy as np
import torch
from torch.utils.data import Sampler
from transformers import PreTrainedTokenizerBase

from finesweep.records import Tokens
from finesweep.training.truncation import InputTemplate, template_of

ROW = "row"
N_INSPECTED = 64
SAMPLE_LENGTHS = (9, 4)
"""Lengths of a sample's two rows, in tokens."""


class Collator:
    """Pads rows of a token split to one batch: input_ids, attention_mask, labels and row, and
    token_type_ids if the model reads them."""

    def __init__(self, tokenizer: PreTrainedTokenizerBase, template: InputTemplate) -> None:
        self.template, self.pad_id = template, tokenizer.pad_token_id or 0
        self.pad_type = tokenizer.pad_token_type_id
        self.pads_left = tokenizer.padding_side == "left"

    def __call__(self, rows: Sequence[dict[str, Any]]) -> dict[str, torch.Tensor]:
        """int64 tensors: ids, mask and types [B, longest], labels and row [B]; several labels are
        float32 [B, C], as their loss needs."""
        inputs = self.template.inputs(rows)
        batch = {
            "input_ids": self._padded(inputs, self.pad_id),
            "attention_mask": self._padded([[1] * len(each) for each in inputs], 0),
            "labels": torch.tensor([row["labels"] for row in rows]),
            ROW: torch.tensor([row[ROW] for row in rows]),
        }
        if self.template.types is not None:
            batch["token_type_ids"] = self._padded(self.template.input_types(rows), self.pad_type)
        return batch

    def _padded(self, inputs: Sequence[list[int]], value: int) -> torch.Tensor:
        width = max(map(len, inputs))
        padded = np.full((len(inputs), width), value, dtype=np.int64)
        for row, ids in zip(padded, inputs, strict=True):
            row[slice(width - len(ids), None) if self.pads_left else slice(len(ids))] = ids
        return torch.from_numpy(padded)


def sample_batch(tokens: Tokens, split: datasets.Dataset) -> dict[str, torch.Tensor]:
    """A batch of two rows of different lengths, cut from a long row of the split: enough to test
    whether two ways of running a model are equivalent."""
    template = template_of(tokens)
    rows = split.select(range(min(len(split), N_INSPECTED)))
    row = rows[int(np.argmax(template.lengths(rows)))]
    short = [
        {**row, **{column: row[column][:n] for column in template.columns}} for n in SAMPLE_LENGTHS
    ]
    batch = Collator(tokens.tokenizer, template)(short)
    return {name: batch[name] for name in batch.keys() - {"labels", ROW}}


class GroupedByLength(Sampler[int]):
    """Length-bucketed batches in random order, drawn anew in each epoch.

    Rows are shuffled, sorted by length within stretches of STRETCH batches (at most a quarter of
    all), and the batches shuffled again: no length is more likely to come early in an epoch.
    """

    STRETCH = 50

    def __init__(self, lengths: np.ndarray, *, batch_size: int, seed: int) -> None:
        self.lengths, self.batch_size, self.seed = lengths, batch_size, seed
        self.epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Called by Trainer; so a resumed epoch keeps its order."""
        self.epoch = epoch

    def __len__(self) -> int:
        return len(self.lengths)

    def __iter__(self) -> Iterator[int]:
        rng = np.random.default_rng([self.seed, self.epoch])
        order, size = rng.permutation(len(self.lengths)), self.batch_size
        stretch = size * max(1, min(self.STRETCH, len(order) // (4 * size)))
        for start in range(0, len(order), stretch):
            part = order[start : start + stretch]
            order[start : start + stretch] = part[np.argsort(self.lengths[part], kind="stable")]
        n_full = len(order) // size  # the remaining rows are a smaller batch, which stays last
        batches = rng.permutation(order[: n_full * size].reshape(n_full, size))
        yield from batches.ravel().tolist()
        yield from order[n_full * size :].tolist()


class SortedByLength(Sampler[int]):
    """The longest rows first, for evaluations; `unsort` restores data order."""

    def __init__(self, lengths: np.ndarray) -> None:
        self.order = np.argsort(-lengths, kind="stable")

    def __len__(self) -> int:
        return len(self.order)

    def __iter__(self) -> Iterator[int]:
        yield from self.order.tolist()

    def unsort(self, values: np.ndarray) -> np.ndarray:
        """values [N, …] in data order."""
        unsorted: np.ndarray = values[self._positions]
        return unsorted

    @cached_property
    def _positions(self) -> np.ndarray:
        return np.argsort(self.order)
