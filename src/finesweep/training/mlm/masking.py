"""Token masking: drawn anew for each training batch, once for validation."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch.nn.functional import cross_entropy
from transformers import (
    DataCollatorForLanguageModeling,
    PreTrainedTokenizerBase,
    default_data_collator,
)

from finesweep.errors import ConfigError, Problem
from finesweep.training.mlm.chunks import Chunks

Row = dict[str, Any]
IGNORED = -100
"""Label of a token that is not masked."""
MEASURING_SEED = 42
"""Not the training seed: runs with different seeds are validated on the same masked tokens."""


def collator(tokenizer: PreTrainedTokenizerBase, share: float) -> Callable[[list[Row]], Row]:
    """A function from rows to a batch, which masks rows without labels."""
    mask = DataCollatorForLanguageModeling(tokenizer, mlm_probability=share)

    def collate(rows: list[Row]) -> Row:
        batch: Row = (default_data_collator if "labels" in rows[0] else mask)(rows)
        return batch

    return collate


def unmasked_rows(chunks: Chunks) -> list[Row]:
    """Rows for a collator to mask."""
    return [{"input_ids": row} for row in chunks.rows]


def masked_rows(chunks: Chunks, tokenizer: PreTrainedTokenizerBase, *, share: float) -> list[Row]:
    """Rows with the same tokens masked in every run with this share, padded to the longest.

    Rows are masked one by one, so that the batch size does not change the draw. ConfigError when
    no token is masked.
    """
    length = max(map(len, chunks.rows))
    mask = DataCollatorForLanguageModeling(
        tokenizer, mlm_probability=share, seed=MEASURING_SEED, pad_to_multiple_of=length
    )
    rows = [
        {name: values[0] for name, values in mask([row]).items()} for row in unmasked_rows(chunks)
    ]
    if not any((row["labels"] != IGNORED).any() for row in rows):
        message = f"its {chunks.n_tokens:,} tokens are too few to mask {share:.0%} of them"
        raise ConfigError(Problem("dataset.validation_size", message))
    return rows


def masked_loss(outputs: Any, labels: torch.Tensor, num_items_in_batch: Any = None) -> torch.Tensor:
    """The mean cross-entropy over the masked tokens of a step; 0 when there are none.

    Logits are [B, L, V] or, for the masked tokens only, [M, V].
    """
    is_masked = labels != IGNORED
    logits = outputs.logits[is_masked] if outputs.logits.ndim == 3 else outputs.logits
    total = cross_entropy(logits.float(), labels[is_masked], reduction="sum")
    n_masked = is_masked.sum() if num_items_in_batch is None else num_items_in_batch
    return total / torch.as_tensor(n_masked).clamp(min=1)
