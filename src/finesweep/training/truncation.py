"""What a tokenizer makes of token ids: special tokens around them, cut to a length."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import datasets
import numpy as np
from transformers import PreTrainedTokenizerBase

from finesweep.dataset.tokens import whole_ids
from finesweep.errors import ConfigError, Problem
from finesweep.model.capabilities.edges import TYPES, edges_of
from finesweep.pairs import columns_of
from finesweep.records import SplitName, Tokens

COLUMNS = ("input_ids", "pair_ids")
"""Of a token split: one for each text of a row."""

N_CHECKED = 32
"""Texts compared, to see that training and prediction give the model the same tokens."""


class InputTemplate:
    """What a tokenizer puts around one text, or around and between the two of a pair, and how it
    cuts them."""

    def __init__(
        self, tokenizer: PreTrainedTokenizerBase, *, max_length: int, pairs: bool = False
    ) -> None:
        self.columns = COLUMNS if pairs else COLUMNS[:1]
        around = edges_of(tokenizer, n_texts=len(self.columns))
        self.edges = around.tokens
        """The tokens before, between and behind the texts."""
        self.types = None if around.types is None else (around.types, around.text_types)
        """The type of each of these tokens, and of each text's, where the model reads types."""
        self.max_length = max_length
        self.room = max_length - sum(map(len, self.edges))
        self.cuts_left = tokenizer.truncation_side == "left"
        # Of two halves with one token more, tokenizers written in Python give it to the first text.
        self.half = self.room // 2 if tokenizer.is_fast else self.room - self.room // 2

    def inputs(self, rows: Sequence[dict[str, Any]]) -> list[list[int]]:
        """Each row's whole input, as tokenizer(*texts, truncation=True) makes it."""
        made = []
        for row, kept in zip(rows, self._kept_of(rows), strict=True):
            input_ids = list(self.edges[0])
            for column, n, edge in zip(self.columns, kept, self.edges[1:], strict=True):
                ids = row[column]
                input_ids += ids[len(ids) - n :] if self.cuts_left else ids[:n]
                input_ids += edge
            made.append(input_ids)
        return made

    def input_types(self, rows: Sequence[dict[str, Any]]) -> list[list[int]]:
        """The token_type_ids of these inputs; only where types is not None."""
        assert self.types is not None
        of_edges, of_texts = self.types
        made = []
        for kept in self._kept_of(rows):
            types = list(of_edges[0])
            for one, n, edge in zip(of_texts, kept, of_edges[1:], strict=True):
                types += [one] * n + edge
            made.append(types)
        return made

    def lengths(self, split: datasets.Dataset) -> np.ndarray:
        """[N] int64: the length of each row's input."""
        kept: np.ndarray = np.sum(self._kept(*self._n_ids(split)), axis=0)
        return kept + sum(map(len, self.edges))

    def cuts(self, split: datasets.Dataset) -> np.ndarray:
        """[N] bool: the rows of which only a part fits."""
        cut: np.ndarray = np.sum(self._n_ids(split), axis=0) > self.room
        return cut

    def _n_ids(self, split: datasets.Dataset) -> list[Any]:
        return [_n_ids(split, column) for column in self.columns]

    def _kept_of(self, rows: Sequence[dict[str, Any]]) -> list[list[int]]:
        n_ids = [np.array([len(row[column]) for row in rows]) for column in self.columns]
        kept: list[list[int]] = np.transpose(self._kept(*n_ids)).tolist()
        return kept

    def _kept(self, first: np.ndarray, second: np.ndarray | None = None) -> list[np.ndarray]:
        """[N] for each text, how many of its tokens stay: the longer of two is cut, and where half
        of the room is less than the shorter one both are, as in longest_first of
        tokenizers/src/utils/truncation.rs."""
        if second is None:
            return [np.minimum(first, self.room)]
        is_first_longer = first > second
        half = np.where(is_first_longer, self.room // 2, self.half)
        shorter = np.minimum(np.minimum(first, second), half)
        longer = np.minimum(np.maximum(first, second), self.room - shorter)
        return [
            np.where(is_first_longer, longer, shorter),
            np.where(is_first_longer, shorter, longer),
        ]


def template_of(tokens: Tokens) -> InputTemplate:
    """The template of these tokens' rows."""
    return InputTemplate(tokens.tokenizer, max_length=tokens.max_length, pairs=tokens.pairs)


def rows_cut(tokens: Tokens, split: SplitName) -> np.ndarray:
    """[N] bool: the rows of which a model reads only a part."""
    return template_of(tokens).cuts(getattr(tokens, split))


def check_template(
    template: InputTemplate, tokenizer: PreTrainedTokenizerBase, texts: Sequence[str]
) -> None:
    """ConfigError unless the template gives the first of these texts the tokens that the tokenizer
    gives them at prediction; two texts of a pair are joined."""
    columns = columns_of(texts[:N_CHECKED], pairs=len(template.columns) > 1)
    ids = [whole_ids(column, tokenizer) for column in columns]
    rows = [dict(zip(template.columns, each, strict=True)) for each in zip(*ids, strict=True)]
    wanted = tokenizer(*columns, truncation=True, max_length=template.max_length)
    same = template.inputs(rows) == wanted["input_ids"]
    if template.types is not None and same:
        same = template.input_types(rows) == wanted[TYPES]
    if not same:
        message = (
            "its tokenizer sets other tokens around one text than around another, so that a"
            " model would be trained on other tokens than it is asked about"
        )
        raise ConfigError(Problem("model.name_or_path", message))


def _n_ids(split: datasets.Dataset, column: str) -> Any:
    held = split.with_format("arrow")[column][:]
    return np.asarray(held.combine_chunks().value_lengths(), dtype=np.int64)
