"""Text lengths in characters, words and tokens, and the share of texts that max_length
truncates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np

from finesweep.dataset.tokens import whole_ids
from finesweep.dataset.words import count_words
from finesweep.labelsets import rows_holding

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

Measure = Literal["characters", "words", "word length", "tokens"]
MEASURES: tuple[Measure, ...] = get_args(Measure)
"""Words are separated by whitespace, or single characters in scripts without; word length is a
text's mean, in characters; tokens are the model's, without special tokens."""
PIECE = 5_000
"""Texts tokenized at once: the ids of millions, as Python lists, would not fit in memory."""


@dataclass(frozen=True)
class Measurements:
    """One number for each of N texts, with the text's class or labels."""

    values: np.ndarray
    """[N] float or int."""
    labels: np.ndarray
    """[N] int in [0, C), or [N, C] of 0 and 1."""

    def of(self, label: int) -> np.ndarray:
        """The values of one class, in order."""
        values: np.ndarray = self.values[rows_holding(self.labels, label)]
        return values


@dataclass(frozen=True)
class Summary:
    """Four statistics of a column of numbers."""

    mean: float
    median: float
    p95: float
    maximum: float


def text_lengths(texts: Sequence[str]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Characters, words and mean word length, [N] each; 0 for a text without words."""
    sizes = np.fromiter(map(len, texts), dtype=np.int64, count=len(texts))
    counts = np.empty(len(texts), dtype=np.int64)
    letters = np.empty(len(texts), dtype=np.int64)
    for row, text in enumerate(texts):
        counts[row], letters[row] = count_words(text)
    return sizes, counts, letters / np.maximum(counts, 1)


def token_lengths(texts: Sequence[str], tokenizer: PreTrainedTokenizerBase) -> np.ndarray:
    """[N] int, tokens of each untruncated text, without special tokens."""
    counts: list[int] = []
    for first in range(0, len(texts), PIECE):
        piece = list(texts[first : first + PIECE])
        counts += map(len, whole_ids(piece, tokenizer))
    return np.array(counts, dtype=np.int64)


def summary(values: np.ndarray) -> Summary | None:
    """Mean, median, 95th percentile and maximum; None without values."""
    if not len(values):
        return None
    median, p95 = np.quantile(values, [0.5, 0.95])
    return Summary(float(values.mean()), float(median), float(p95), float(values.max()))


def truncated_share(tokens: np.ndarray, max_length: int, *, n_special: int) -> float | None:
    """Share in [0, 1] of texts that lose tokens at max_length, which includes special tokens; None
    without texts."""
    return float((tokens + n_special > max_length).mean()) if len(tokens) else None
