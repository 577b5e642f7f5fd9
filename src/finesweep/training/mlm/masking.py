"""Which tokens are to be guessed: drawn anew for each batch of training, once for measuring."""

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
from finesweep.records import Chunks

Row = dict[str, Any]
IGNORED = -100
"""Label of a token that is not to be guessed."""
MEASURING_SEED = 42
"""Not the training seed: perplexities of runs that differ in it are of the same guesses."""


def collator(tokenizer: PreTrainedTokenizerBase, share: float) -> Callable[[list[Row]], Row]:
    """What makes batches of rows: those without labels are masked, those with are as they are."""
    mask = DataCollatorForLanguageModeling(tokenizer, mlm_probability=share)

    def collate(rows: list[Row]) -> Row:
        batch: Row = (default_data_collator if "labels" in rows[0] else mask)(rows)
        return batch

    return collate


def unmasked(chunks: Chunks) -> list[Row]:
    """Rows that a collator masks."""
    return [{"input_ids": row} for row in chunks.rows]


def masked_once(chunks: Chunks, tokenizer: PreTrainedTokenizerBase, *, share: float) -> list[Row]:
    """Rows of the same masked tokens for every run of this share, all padded to the longest.

    One by one, so that no batch size moves what is drawn. ConfigError when no token was.
    """
    length = max(map(len, chunks.rows))
    mask = DataCollatorForLanguageModeling(
        tokenizer, mlm_probability=share, seed=MEASURING_SEED, pad_to_multiple_of=length
    )
    rows = [{name: values[0] for name, values in mask([row]).items()} for row in unmasked(chunks)]
    if not any((row["labels"] != IGNORED).any() for row in rows):
        message = f"its {chunks.n_tokens:,} tokens are too few to mask {share:.0%} of them"
        raise ConfigError(Problem("dataset.validation_size", message))
    return rows


def masked_loss(outputs: Any, labels: torch.Tensor, num_items_in_batch: Any = None) -> torch.Tensor:
    """The mean cross-entropy over the masked tokens of a step; 0 where there is none.

    Of logits [B, L, V] or, for the masked tokens alone, [M, V].
    """
    chosen = labels != IGNORED
    logits = outputs.logits[chosen] if outputs.logits.ndim == 3 else outputs.logits
    total = cross_entropy(logits.float(), labels[chosen], reduction="sum")
    n_chosen = chosen.sum() if num_items_in_batch is None else num_items_in_batch
    return total / torch.as_tensor(n_chosen).clamp(min=1)
