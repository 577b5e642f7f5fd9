"""A split's texts as chunks of full length, for masked language modelling.

As in the Hugging Face course, chapter 7.3: short texts would be padded and long ones truncated, so
texts are concatenated and then cut. Special tokens are added after cutting, so that each chunk
begins and ends with them, as every text does in fine-tuning. Within a chunk, texts are separated by
the tokenizer's end token, such as [SEP], as in RoBERTa's pretraining (Liu et al. 2019, section 4.2,
https://arxiv.org/abs/1907.11692). The two texts of a pair are consecutive texts.
"""

from __future__ import annotations

from dataclasses import dataclass

import datasets
import numpy as np
import pyarrow as pa

from finesweep.training.truncation import COLUMNS, InputTemplate


@dataclass(frozen=True)
class Chunks:
    """One split's texts, concatenated and cut to the model's input length."""

    rows: tuple[np.ndarray, ...]
    """N arrays of at most L int32 token ids, special tokens included."""
    n_texts: int
    n_tokens: int
    """Number of tokens of the texts, without special tokens."""


def make_chunks(split: datasets.Dataset, template: InputTemplate) -> Chunks:
    """All tokens of a token split, in order; only the last chunk may be shorter than the others.

    template is the one for single texts, also for a split of pairs.
    """
    ids = _texts(split)
    tokens = ids.flatten().to_numpy()
    before, after = template.edges
    stream = _join(tokens, ids.value_lengths().to_numpy(), between=after)
    cuts = range(0, len(stream), template.room)
    rows = tuple(
        np.concatenate([before, stream[cut : cut + template.room], after], dtype=np.int32)
        for cut in cuts
    )
    return Chunks(rows, n_texts=len(ids), n_tokens=len(tokens))


def _texts(split: datasets.Dataset) -> pa.ListArray:
    """Each text's ids, in order; a pair's first text comes before its second."""
    columns = [name for name in COLUMNS if name in split.column_names]
    arrays = [split.with_format("arrow")[name][:].combine_chunks() for name in columns]
    if len(arrays) == 1:
        return arrays[0]
    order = np.arange(len(arrays) * len(split)).reshape(len(arrays), -1).ravel(order="F")
    return pa.concat_arrays(arrays).take(pa.array(order))


def _join(tokens: np.ndarray, lengths: np.ndarray, *, between: list[int]) -> np.ndarray:
    """The tokens of all texts, in order, with the tokens of `between` after each but the last."""
    ends = np.cumsum(lengths)[:-1]
    return np.insert(tokens, np.repeat(ends, len(between)), np.tile(between, len(ends)))
