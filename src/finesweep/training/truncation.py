"""Special tokens and truncation, exactly as the tokenizer does them, on ids without either."""

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
"""Columns of a token split, one for each text of a row."""

N_CHECKED = 32
"""Number of texts compared, to check that training and prediction see the same tokens."""


class InputTemplate:
    """The special tokens that a tokenizer adds to one text or to a pair, and how it truncates."""

    def __init__(
        self, tokenizer: PreTrainedTokenizerBase, *, max_length: int, pairs: bool = False
    ) -> None:
        self.columns = COLUMNS if pairs else COLUMNS[:1]
        around = edges_of(tokenizer, n_texts=len(self.columns))
        self.edges = around.tokens
        """The special tokens before, between and after the texts."""
        self.types = None if around.types is None else (around.types, around.text_types)
        """The token types of these and of each text; None if the model reads no types."""
        self.max_length = max_length
        self.room = max_length - sum(map(len, self.edges))
        self.cuts_left = tokenizer.truncation_side == "left"
        # An odd token goes to the first text in tokenizers written in Python, else to the second.
        self.half = self.room // 2 if tokenizer.is_fast else self.room - self.room // 2

    def inputs(self, rows: Sequence[dict[str, Any]]) -> list[list[int]]:
        """Each row's input ids, equal to tokenizer(*texts, truncation=True)."""
        inputs = []
        for row, n_kept in zip(rows, self._tokens_kept(rows), strict=True):
            input_ids = list(self.edges[0])
            for column, n, edge in zip(self.columns, n_kept, self.edges[1:], strict=True):
                ids = row[column]
                input_ids += ids[len(ids) - n :] if self.cuts_left else ids[:n]
                input_ids += edge
            inputs.append(input_ids)
        return inputs

    def input_types(self, rows: Sequence[dict[str, Any]]) -> list[list[int]]:
        """The token_type_ids of these inputs; types must not be None."""
        assert self.types is not None
        of_edges, of_texts = self.types
        rows_of_types = []
        for n_kept in self._tokens_kept(rows):
            types = list(of_edges[0])
            for text_type, n, edge in zip(of_texts, n_kept, of_edges[1:], strict=True):
                types += [text_type] * n + edge
            rows_of_types.append(types)
        return rows_of_types

    def lengths(self, split: datasets.Dataset) -> np.ndarray:
        """[N] int64: the length of each row's input."""
        n_kept: np.ndarray = np.sum(self.n_kept(*self._n_ids(split)), axis=0)
        return n_kept + sum(map(len, self.edges))

    def cuts(self, split: datasets.Dataset) -> np.ndarray:
        """[N] bool: whether the row is truncated."""
        cut: np.ndarray = np.sum(self._n_ids(split), axis=0) > self.room
        return cut

    def _n_ids(self, split: datasets.Dataset) -> list[Any]:
        return [_n_ids(split, column) for column in self.columns]

    def _tokens_kept(self, rows: Sequence[dict[str, Any]]) -> list[list[int]]:
        n_ids = [np.array([len(row[column]) for row in rows]) for column in self.columns]
        n_kept: list[list[int]] = np.transpose(self.n_kept(*n_ids)).tolist()
        return n_kept

    def n_kept(self, first: np.ndarray, second: np.ndarray | None = None) -> list[np.ndarray]:
        """[N] for each text: how many of its tokens are kept. The longer of two is truncated, and
        both are if the shorter exceeds half of the room, as in longest_first of
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
    """[N] bool: whether the model sees only a part of the row."""
    return template_of(tokens).cuts(getattr(tokens, split))


def check_template(
    template: InputTemplate, tokenizer: PreTrainedTokenizerBase, texts: Sequence[str]
) -> None:
    """ConfigError unless template and tokenizer give the first of these texts the same tokens; the
    two texts of a pair are joined."""
    columns = columns_of(texts[:N_CHECKED], pairs=len(template.columns) > 1)
    ids = [whole_ids(column, tokenizer) for column in columns]
    rows = [dict(zip(template.columns, each, strict=True)) for each in zip(*ids, strict=True)]
    expected = tokenizer(*columns, truncation=True, max_length=template.max_length)
    same = template.inputs(rows) == expected["input_ids"]
    if template.types is not None and same:
        same = template.input_types(rows) == expected[TYPES]
    if not same:
        message = (
            "its tokenizer adds different special tokens to different texts, so that training and"
            " prediction would see different tokens"
        )
        raise ConfigError(Problem("model.name_or_path", message))


def _n_ids(split: datasets.Dataset, column: str) -> Any:
    ids = split.with_format("arrow")[column][:]
    return np.asarray(ids.combine_chunks().value_lengths(), dtype=np.int64)
