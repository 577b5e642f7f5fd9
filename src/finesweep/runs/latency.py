"""A model's latency from texts to probabilities."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from finesweep.model import Ensemble
from finesweep.pairs import columns_of
from finesweep.records import TextDataset

BATCH = 32
N_TIMED = 64
"""Number of distinct texts, the first ones of validation."""
N_WARM_UP, N_SINGLE, N_BATCHES = 3, 40, 5


@dataclass(frozen=True)
class Latency:
    """Milliseconds from texts to probabilities, on the machine that measured it."""

    one_p50: float
    one_p95: float
    batch_p50: float
    """Median for a batch of BATCH texts."""
    batch_p95: float


def measure_latency(
    model: PreTrainedModel | Ensemble,
    tokenizer: PreTrainedTokenizerBase,
    dataset: TextDataset,
    *,
    max_length: int,
) -> Latency:
    """Medians and 95th percentiles on the model's own device, over the first 64 validation texts or
    pairs; fewer are repeated.

    model is left in eval mode. ValueError when there are no texts, or a pair is not one.
    """
    texts, pairs = dataset.validation["text"][:N_TIMED], dataset.pairs
    if not texts:
        raise ValueError("latency needs texts")
    model.eval()

    def seconds(batch: Sequence[str]) -> float:
        began = time.perf_counter()
        inputs = tokenizer(
            *columns_of(batch, pairs=pairs),
            truncation=True,
            max_length=max_length,
            padding=True,
            return_tensors="pt",
        ).to(model.device)
        with torch.no_grad():
            model(**inputs).logits.softmax(dim=-1).cpu()
        return time.perf_counter() - began

    batch_texts = [texts[k % len(texts)] for k in range(BATCH)]
    for _ in range(N_WARM_UP):
        seconds(batch_texts)
    single = [seconds([texts[k % len(texts)]]) for k in range(N_SINGLE)]
    batches = [seconds(batch_texts) for _ in range(N_BATCHES)]
    values = [1000 * float(np.quantile(t, q)) for t in (single, batches) for q in (0.5, 0.95)]
    return Latency(*values)
