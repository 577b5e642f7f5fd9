"""A model's latency from texts to probabilities."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
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
Columns = Sequence[Sequence[str]]
"""Texts in one column, or pairs of texts in two."""
Predict = Callable[[Columns], object]
"""Computes the probabilities of texts."""


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
    predict = torch_predictor(model, tokenizer, max_length=max_length)
    (latency,) = alternate([predict], dataset.validation["text"][:N_TIMED], pairs=dataset.pairs)
    return latency


def torch_predictor(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, *, max_length: int
) -> Predict:
    """A PyTorch model's predictions, from texts to probabilities; model is put in eval mode."""
    model.eval()

    def predict(columns: Columns) -> object:
        inputs = tokenizer(
            *columns,
            truncation=True,
            max_length=max_length,
            padding=True,
            return_tensors="pt",
        ).to(model.device)
        with torch.no_grad():
            return model(**inputs).logits.softmax(dim=-1).cpu()

    return predict


def alternate(predictors: Sequence[Predict], texts: Sequence[str], *, pairs: bool) -> list[Latency]:
    """The latency of each predictor on the same texts, which they take in turns: what else the
    machine does slows all of them.

    ValueError when there are no texts, or a pair is not one.
    """
    if not texts:
        raise ValueError("latency needs texts")

    def seconds(predict: Predict, batch: Sequence[str]) -> float:
        began = time.perf_counter()
        predict(columns_of(batch, pairs=pairs))
        return time.perf_counter() - began

    batch_texts = [texts[k % len(texts)] for k in range(BATCH)]
    for _ in range(N_WARM_UP):
        for predict in predictors:
            seconds(predict, batch_texts)
    single = np.array(
        [[seconds(each, [texts[k % len(texts)]]) for each in predictors] for k in range(N_SINGLE)]
    )
    batches = np.array(
        [[seconds(each, batch_texts) for each in predictors] for _ in range(N_BATCHES)]
    )
    quantiles = [np.quantile(times, q, axis=0) for times in (single, batches) for q in (0.5, 0.95)]
    return [Latency(*map(float, values)) for values in 1000 * np.array(quantiles).T]
