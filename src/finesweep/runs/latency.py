"""How long a model takes from texts to probabilities."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from finesweep.pairs import columns_of
from finesweep.records import TextDataset

BATCH = 32
N_TIMED = 64
"""Texts that are read, the first ones."""
N_WARM_UP, N_SINGLE, N_BATCHES = 3, 40, 5


@dataclass(frozen=True)
class Latency:
    """Milliseconds from texts to probabilities, on the machine that measured it."""

    one_p50: float
    one_p95: float
    batch_p50: float
    """Median for BATCH texts at once."""
    batch_p95: float


def measure_latency(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    dataset: TextDataset,
    *,
    max_length: int,
) -> Latency:
    """Medians and 95th percentiles on the model's own device, of the first 64 texts of validation;
    fewer are used again. The model reads pairs where the dataset has pairs.

    model is left in eval mode. ValueError when there are no texts, or pairs are none.
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

    several = [texts[k % len(texts)] for k in range(BATCH)]
    for _ in range(N_WARM_UP):
        seconds(several)
    single = [seconds([texts[k % len(texts)]]) for k in range(N_SINGLE)]
    batches = [seconds(several) for _ in range(N_BATCHES)]
    values = [1000 * float(np.quantile(t, q)) for t in (single, batches) for q in (0.5, 0.95)]
    return Latency(*values)
