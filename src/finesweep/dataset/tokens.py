"""A dataset's texts as token ids, cut to length and not padded: batches are padded later."""

from __future__ import annotations

from typing import TYPE_CHECKING

import datasets
import pyarrow as pa

from finesweep.records import TextDataset, Tokens

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

BATCH_TEXTS = 10_000
COLUMN_TYPES = {"input_ids": pa.list_(pa.int32()), "attention_mask": pa.list_(pa.int8())}


def tokenise(
    dataset: TextDataset, tokenizer: PreTrainedTokenizerBase, *, max_length: int
) -> Tokens:
    """Each split's rows in order: input_ids [L <= max_length], attention_mask [L] if the tokenizer
    makes one, labels (int). Texts are truncated, special tokens included, and never padded.
    """
    splits = {
        name: _token_split(dataset.split(name), tokenizer, max_length=max_length)
        for name in ("train", "validation", "test")
    }
    return Tokens(**splits, tokenizer=tokenizer, max_length=max_length)


def _token_split(
    split: datasets.Dataset, tokenizer: PreTrainedTokenizerBase, *, max_length: int
) -> datasets.Dataset:
    # Arrow tables batch by batch: as Python lists, millions of texts would not fit in memory.
    tables = [
        _token_table(batch["text"], batch["label"], tokenizer, max_length=max_length)
        for batch in split.iter(BATCH_TEXTS)
    ]
    return datasets.Dataset(pa.concat_tables(tables))


def _token_table(
    texts: list[str], labels: list[int], tokenizer: PreTrainedTokenizerBase, *, max_length: int
) -> pa.Table:
    # Some tokenizer files switch padding on; this undoes it. Token types are left out: all texts
    # are first segments, which is BERT's default, and DistilBERT takes none from BERT's tokenizer.
    encoded = tokenizer(
        texts, truncation=True, max_length=max_length, padding=False, return_token_type_ids=False
    )
    columns = {
        name: pa.array(encoded[name], kind)
        for name, kind in COLUMN_TYPES.items()
        if name in encoded
    }
    return pa.table({**columns, "labels": pa.array(labels, pa.int64())})
