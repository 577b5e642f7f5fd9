"""The facts of one training that decide about its activation cache."""

from __future__ import annotations

import numpy as np

from finesweep.config import TrainingConfig
from finesweep.training.activation_cache.layout import CACHED_SPLITS, Lengths, cached_lengths
from finesweep.training.activation_cache.rule import Facts, Rates


def median_row(lengths: np.ndarray) -> int:
    """The index of a row of median length. lengths [N]: of all rows."""
    middle = len(lengths) // 2
    return int(np.argpartition(lengths, middle)[middle])


def gathered_facts(
    lengths: Lengths,
    config: TrainingConfig,
    *,
    batch_tokens: int,
    token_bytes: int,
    shared: bool,
    budget_bytes: int,
    rates: Rates,
    first_only: bool,
) -> Facts:
    """The facts of a training with these lengths of rows.

    batch_tokens: of the batch that rates are for. token_bytes: of one token's states.
    """
    n_train, n_validation = (int(lengths[split].sum()) for split in CACHED_SPLITS)
    n_evaluations = config.epochs * config.evaluations_per_epoch
    cached = cached_lengths(lengths, first_only=first_only).values()
    return Facts(
        n_bytes=token_bytes * sum(int(each.sum()) for each in cached),
        n_batches=(n_train + n_validation) / batch_tokens,
        reads=(config.epochs * n_train + n_evaluations * n_validation) / (n_train + n_validation),
        shared=shared,
        budget_bytes=budget_bytes,
        rates=rates,
        first_only=first_only,
    )
