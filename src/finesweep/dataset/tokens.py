"""Token ids of a dataset, cached on disk for each dataset and tokenizer.

Ids are stored untruncated and without special tokens: max_length applies when batches are made.
"""

from __future__ import annotations

import hashlib
import json
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import datasets
import pyarrow as pa

from finesweep.caches import get_or_build
from finesweep.dataset.labels.values import labels_of
from finesweep.errors import ConfigError, Problem
from finesweep.pairs import columns_of
from finesweep.records import SPLITS, TextDataset, Tokens

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

BATCH_TEXTS = 10_000
IDS = pa.list_(pa.int32())


def tokenize(
    dataset: TextDataset, tokenizer: PreTrainedTokenizerBase, *, max_length: int, cache: Path
) -> Tokens:
    """Each split's rows in order, memory-mapped from cache/tokens, which is filled if needed.

    Columns: row (0 … N-1), input_ids (untruncated, without special tokens), labels (int, or [C] of
    0.0 and 1.0 if a text may have several); for pairs, input_ids are the first texts' and pair_ids
    the second texts'. ConfigError if max_length has no room for a pair.
    """
    key = f"{dataset.fingerprint[:16]}-{tokenizer_fingerprint(tokenizer)[:16]}"
    if dataset.pairs:
        _check_room(tokenizer, max_length)
        key += "-pairs"
    folder = get_or_build(cache / "tokens" / key, partial(_write, dataset, tokenizer))
    splits = {name: datasets.Dataset.from_file(str(folder / f"{name}.arrow")) for name in SPLITS}
    return Tokens(
        **splits,
        tokenizer=tokenizer,
        max_length=max_length,
        key=key,
        pairs=dataset.pairs,
        multi_label=dataset.multi_label,
    )


def tokenizer_fingerprint(tokenizer: PreTrainedTokenizerBase) -> str:
    """SHA-256, in hex, of everything that determines the ids; truncation and padding do not.

    For tokenizers written in Python: class, vocabulary and settings.
    """
    if tokenizer.is_fast:
        state = json.loads(tokenizer.backend_tokenizer.to_str())
        state |= {"truncation": None, "padding": None}
    else:
        settings = {name: str(value) for name, value in tokenizer.init_kwargs.items()}
        state = {"vocabulary": tokenizer.get_vocab(), "settings": settings}
    named = {"class": type(tokenizer).__name__, "state": state}
    return hashlib.sha256(json.dumps(named, sort_keys=True).encode()).hexdigest()


def _check_room(tokenizer: PreTrainedTokenizerBase, max_length: int) -> None:
    min_length = tokenizer.num_special_tokens_to_add(pair=True) + 2
    if max_length < min_length:
        message = f"{max_length} has no room for a pair of texts; must be at least {min_length}"
        raise ConfigError(Problem("dataset.max_length", message))


def _write(dataset: TextDataset, tokenizer: PreTrainedTokenizerBase, folder: Path) -> None:
    schema = _schema(dataset)
    for name in SPLITS:
        path = str(folder / f"{name}.arrow")
        with pa.OSFile(path, "wb") as file, pa.ipc.new_stream(file, schema) as stream:
            first = 0
            # Batch by batch: as Python lists, millions of texts would not fit in memory.
            for batch in dataset.split(name).iter(BATCH_TEXTS):
                rows = range(first, first + len(batch["text"]))
                texts = columns_of(batch["text"], pairs=dataset.pairs)
                ids = [pa.array(whole_ids(each, tokenizer), IDS) for each in texts]
                labels = labels_of(dataset, batch["label"]).tolist()
                columns = [pa.array(rows), *ids, pa.array(labels, schema.field("labels").type)]
                stream.write_batch(pa.record_batch(columns, schema=schema))
                first = rows.stop


def _schema(dataset: TextDataset) -> pa.Schema:
    """The Arrow schema; several labels are floats, as their loss requires."""
    texts = {"input_ids": IDS} | ({"pair_ids": IDS} if dataset.pairs else {})
    n_labels = len(dataset.label_names)
    labels = pa.list_(pa.float32(), n_labels) if dataset.multi_label else pa.int64()
    return pa.schema({"row": pa.int64(), **texts, "labels": labels})


def whole_ids(texts: list[str], tokenizer: PreTrainedTokenizerBase) -> list[list[int]]:
    """Token ids of each text, untruncated and without special tokens."""
    # Some tokenizer files enable truncation and padding; this undoes it.
    encoded = tokenizer(
        texts,
        add_special_tokens=False,
        truncation=False,
        padding=False,
        return_attention_mask=False,
        return_token_type_ids=False,
        verbose=False,  # it would warn of texts longer than the model's limit
    )
    ids: list[list[int]] = encoded["input_ids"]
    return ids
