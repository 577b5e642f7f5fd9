"""Short rows of ordinary tokens, to test what a model can do."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import cycle, islice

import torch
from transformers import PreTrainedTokenizerBase

from finesweep.model.capabilities.edges import TYPES, Edges, edges_of


class Samples:
    """Rows of ordinary tokens, with the tokenizer's special tokens."""

    def __init__(
        self, tokenizer: PreTrainedTokenizerBase, columns: Sequence[str], *, pad_id: int
    ) -> None:
        self.pad_id, self.pad_type = pad_id, tokenizer.pad_token_type_id
        self.edges: Edges = edges_of(tokenizer, n_texts=1)
        self.reads_types = TYPES in columns and self.edges.types is not None
        self.reads_mask = "attention_mask" in columns
        special = {*tokenizer.all_special_ids, pad_id}
        ordinary = sorted(id_ for id_ in tokenizer.get_vocab().values() if id_ not in special)
        # A few low ids, and the highest, which is out of range if embeddings are missing.
        self.ids = [*ordinary[:6], ordinary[-1]] if ordinary else [pad_id]
        self.n_edges = sum(map(len, self.edges.tokens))

    def row(self, length: int) -> dict[str, torch.Tensor]:
        """A row [1, length], with at least one token of text."""
        return self.batch([max(1, length - self.n_edges)], side="right")

    def batch(self, lengths: Sequence[int], *, side: str) -> dict[str, torch.Tensor]:
        """A batch [B, longest] of texts with these numbers of tokens."""
        before, behind = self.edges.tokens
        texts = [list(islice(cycle(self.ids), n)) for n in lengths]
        rows = [[*before, *text, *behind] for text in texts]
        width = max(map(len, rows))

        def padded(values: list[list[int]], value: int) -> torch.Tensor:
            paddings = [[value] * (width - len(each)) for each in values]
            pairs = zip(values, paddings, strict=True)
            both = [own + pad if side == "right" else pad + own for own, pad in pairs]
            return torch.tensor(both)

        batch = {"input_ids": padded(rows, self.pad_id)}
        if self.reads_mask:
            batch["attention_mask"] = padded([[1] * len(row) for row in rows], 0)
        if self.reads_types:
            assert self.edges.types is not None
            left, right = self.edges.types
            kinds = [[*left, *self.edges.text_types * len(text), *right] for text in texts]
            batch[TYPES] = padded(kinds, self.pad_type)
        return batch
