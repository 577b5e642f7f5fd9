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
from finesweep.training.token_split import NO_ROW, Rows
from finesweep.training.truncation import InputTemplate, template_of

ROW = "row"
N_TOKENS = "n_tokens"
NOT_FOR_MODELS = {"labels", ROW, N_TOKENS}
N_INSPECTED = 64
GPU_MULTIPLE = 8
"""Of the width of batches on a GPU: SDPA needs masks with aligned rows, and copies others."""
SAMPLE_LENGTHS = (9, 4)
"""Lengths of a sample's two rows, in tokens."""


class Collator:
    """Pads rows of a token split to one batch: input_ids, attention_mask, labels, row and n_tokens,
    and token_type_ids if the model reads them."""

    def __init__(
        self, tokenizer: PreTrainedTokenizerBase, template: InputTemplate, *, multiple_of: int = 1
    ) -> None:
        """multiple_of: batches are as wide as a multiple of it, as far as max_length allows."""
        self.multiple_of = multiple_of
        self.template, self.pad_id = template, tokenizer.pad_token_id or 0
        self.pad_type = tokenizer.pad_token_type_id
        self.pads_left = tokenizer.padding_side == "left"

    def __call__(self, rows: Rows) -> dict[str, Any]:
        """int64 tensors: ids, mask and types [B, width], labels [B]; several labels are float32
        [B, C], as their loss needs.

        row, an array [B], and n_tokens, the number without padding and fillers, are not tensors:
        they stay on the host, which reads them.
        """
        lengths: np.ndarray = np.sum(rows.n_kept, axis=0) + sum(map(len, self.template.edges))
        width = width_of_batch(
            int(lengths.max()), multiple_of=self.multiple_of, max_length=self.template.max_length
        )
        places = _Places(
            self.template, rows.n_kept, lengths=lengths, width=width, pads_left=self.pads_left
        )
        batch = {
            "input_ids": places.filled(self.pad_id, self.template.edges, rows.ids),
            "attention_mask": torch.from_numpy(places.is_token.astype(np.int64)),
            "labels": torch.from_numpy(rows.labels),
            ROW: rows.row,
            N_TOKENS: int(lengths[rows.row != NO_ROW].sum()),
        }
        if self.template.types is not None:
            of_edges, of_texts = self.template.types
            batch["token_type_ids"] = places.filled(self.pad_type, of_edges, of_texts)
        return batch


def width_of_batch(longest: int, *, multiple_of: int, max_length: int) -> int:
    """longest, rounded up to a multiple but not above max_length, which a model may not exceed."""
    return min(-(-longest // multiple_of) * multiple_of, max(longest, max_length))


class _Places:
    """Where the tokens of B rows are in their batch [B, width]: edges and texts in turn."""

    def __init__(
        self,
        template: InputTemplate,
        n_kept: Sequence[np.ndarray],
        *,
        lengths: np.ndarray,
        width: int,
        pads_left: bool,
    ) -> None:
        self._columns, self._rows = np.arange(width), np.arange(len(lengths))
        at = width - lengths if pads_left else np.zeros_like(lengths)
        self.is_token = self._between(at, at + lengths)
        self._edges: list[np.ndarray] = []
        """Each edge's first place in each row, [B]."""
        self._texts: list[np.ndarray] = []
        """Whether a place belongs to the text, [B, width], for each text."""
        for edge, n in zip(template.edges, n_kept, strict=False):
            self._edges.append(at)
            start = at + len(edge)
            at = start + n
            self._texts.append(self._between(start, at))
        self._edges.append(at)  # the edge after the last text

    def filled(
        self, padding: int, edges: Sequence[list[int]], texts: Sequence[Any]
    ) -> torch.Tensor:
        """[B, width] int64, padding where nothing is; a text is one value, or all rows' values
        one after another."""
        batch = np.full(self.is_token.shape, padding, dtype=np.int64)
        for first, edge in zip(self._edges, edges, strict=True):
            for k, value in enumerate(edge):
                batch[self._rows, first + k] = value
        for is_text, values in zip(self._texts, texts, strict=True):
            batch[is_text] = values
        return torch.from_numpy(batch)

    def _between(self, starts: np.ndarray, ends: np.ndarray) -> np.ndarray:
        """[B, width] bool: the places from start to end in each row."""
        is_between = self._columns >= starts[:, None]
        is_between &= self._columns < ends[:, None]
        return is_between


def sample_batch(tokens: Tokens, split: datasets.Dataset) -> dict[str, torch.Tensor]:
    """A batch of two rows of different lengths, cut from a long row of the split: enough to test
    whether two ways of running a model are equivalent."""
    template, rows = template_of(tokens), split[:N_INSPECTED]
    n_ids = [np.array([len(ids) for ids in rows[column]]) for column in template.columns]
    longest = int(np.argmax(np.sum(template.n_kept(*n_ids), axis=0)))
    texts = [np.array(rows[column][longest], dtype=np.int64) for column in template.columns]
    n_kept = template.n_kept(*(np.minimum(SAMPLE_LENGTHS, len(ids)) for ids in texts))
    cut = Rows(
        row=np.zeros(len(SAMPLE_LENGTHS), dtype=np.int64),
        labels=np.zeros(len(SAMPLE_LENGTHS), dtype=np.int64),
        ids=[np.concatenate([ids[:k] for k in n]) for ids, n in zip(texts, n_kept, strict=True)],
        n_kept=n_kept,
    )
    batch = Collator(tokens.tokenizer, template)(cut)
    return {name: batch[name] for name in batch.keys() - NOT_FOR_MODELS}


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
