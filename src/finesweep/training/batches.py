"""Batches of token ids: which rows stand together, and what pads them."""

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
"""Tokens of a sample's two rows."""


class Collator:
    """Rows of a token split as one padded batch: input_ids, attention_mask, labels and row, and
    token_type_ids where the model reads them."""

    def __init__(self, tokenizer: PreTrainedTokenizerBase, template: InputTemplate) -> None:
        self.template, self.pad_id = template, tokenizer.pad_token_id or 0
        self.pad_type = tokenizer.pad_token_type_id
        self.pads_left = tokenizer.padding_side == "left"

    def __call__(self, rows: Sequence[dict[str, Any]]) -> dict[str, torch.Tensor]:
        """int64 tensors: ids, mask and types [B, longest], labels and row [B]; several labels are
        [B, C] and float32, as their loss wants them."""
        inputs = self.template.inputs(rows)
        made = {
            "input_ids": self._padded(inputs, self.pad_id),
            "attention_mask": self._padded([[1] * len(each) for each in inputs], 0),
            "labels": torch.tensor([row["labels"] for row in rows]),
            ROW: torch.tensor([row[ROW] for row in rows]),
        }
        if self.template.types is not None:
            made["token_type_ids"] = self._padded(self.template.input_types(rows), self.pad_type)
        return made

    def _padded(self, inputs: Sequence[list[int]], value: int) -> torch.Tensor:
        width = max(map(len, inputs))
        padded = np.full((len(inputs), width), value, dtype=np.int64)
        for row, one in zip(padded, inputs, strict=True):
            row[slice(width - len(one), None) if self.pads_left else slice(len(one))] = one
        return torch.from_numpy(padded)


def sample_batch(tokens: Tokens, split: datasets.Dataset) -> dict[str, torch.Tensor]:
    """Two rows of unlike length as a model gets them, of the beginning of a long row of the split:
    enough to see whether two ways through the model are one."""
    template = template_of(tokens)
    rows = split.select(range(min(len(split), N_INSPECTED)))
    row = rows[int(np.argmax(template.lengths(rows)))]
    short = [
        {**row, **{column: row[column][:n] for column in template.columns}} for n in SAMPLE_LENGTHS
    ]
    batch = Collator(tokens.tokenizer, template)(short)
    return {name: batch[name] for name in batch.keys() - {"labels", ROW}}


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
