"""A split's texts as chunks of full length, for a model that learns from text alone.

As the Hugging Face course does it, chapter 7.3: short texts would be padded and long ones cut,
so texts are laid end to end instead. Special tokens are set when all is cut, so that each chunk
looks like the whole texts of fine-tuning: it begins and ends with them. Where one text ends and
another begins within a chunk stands what the tokenizer sets at an end, such as [SEP], as RoBERTa
was trained (Liu et al. 2019, section 4.2, https://arxiv.org/abs/1907.11692). The two of a pair are
two texts that follow one another.
"""

from __future__ import annotations

import datasets
import numpy as np
import pyarrow as pa

from finesweep.records import Chunks
from finesweep.training.truncation import COLUMNS, InputTemplate


def chunked(split: datasets.Dataset, template: InputTemplate) -> Chunks:
    """Every token of a token split, in order; the last chunk alone may be shorter than the rest.

    template is of single texts, also where the split is of pairs.
    """
    ids = _texts(split)
    tokens = ids.flatten().to_numpy()
    before, after = template.edges
    stream = _joined(tokens, ids.value_lengths().to_numpy(), between=after)
    cuts = range(0, len(stream), template.room)
    rows = tuple(
        np.concatenate([before, stream[cut : cut + template.room], after], dtype=np.int32)
        for cut in cuts
    )
    return Chunks(rows, n_texts=len(ids), n_tokens=len(tokens))


def _texts(split: datasets.Dataset) -> pa.ListArray:
    """Each text's ids, in order; of a pair the first text's, then the second's."""
    columns = [name for name in COLUMNS if name in split.column_names]
    held = [split.with_format("arrow")[name][:].combine_chunks() for name in columns]
    if len(held) == 1:
        return held[0]
    order = np.arange(len(held) * len(split)).reshape(len(held), -1).ravel(order="F")
    return pa.concat_arrays(held).take(pa.array(order))


def _joined(tokens: np.ndarray, lengths: np.ndarray, *, between: list[int]) -> np.ndarray:
    """The tokens of all texts, in order, with some between each two texts."""
    ends = np.cumsum(lengths)[:-1]
    return np.insert(tokens, np.repeat(ends, len(between)), np.tile(between, len(ends)))
