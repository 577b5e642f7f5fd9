"""Latency is measured on the model's inputs: for pairs, on both texts."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import datasets
import pytest
from transformers import AutoModelForSequenceClassification, AutoTokenizer

from finesweep.pairs import join_pair
from finesweep.records import TextDataset
from finesweep.runs.latency import measure_latency

pytestmark = pytest.mark.slow


class Counting:
    """A real tokenizer that records how many columns of texts it got."""

    def __init__(self, folder: Path) -> None:
        self.tokenizer, self.n_sides = AutoTokenizer.from_pretrained(folder), set[int]()

    def __call__(self, *texts: list[str], **how: Any) -> Any:
        self.n_sides.add(len(texts))
        return self.tokenizer(*texts, **how)


def test_a_dataset_of_pairs_is_timed_in_pairs(tiny_bert: Path) -> None:
    rows = datasets.Dataset.from_dict(
        {"text": [join_pair("one", "other")] * 4, "label": [0, 1] * 2}
    )
    pairs = TextDataset("x", rows, rows, rows, ("a", "b"), "f", "t", notes=(), pairs=True)
    model = AutoModelForSequenceClassification.from_pretrained(tiny_bert)
    for dataset, n_sides in ((pairs, 2), (replace(pairs, pairs=False), 1)):
        tokenizer = Counting(tiny_bert)
        latency = measure_latency(model, tokenizer, dataset, max_length=16)  # type: ignore[arg-type]
        assert tokenizer.n_sides == {n_sides}
        assert latency.one_p50 > 0
