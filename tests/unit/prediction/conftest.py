"""A tiny BERT with three labels and an untrained head."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from transformers import (
    AutoModelForSequenceClassification,
    AutoTokenizer,
    PreTrainedModel,
    PreTrainedTokenizerBase,
)

NAMES = ("bad", "plain", "good")


@pytest.fixture(scope="module")
def model(tiny_bert: Path) -> PreTrainedModel:
    torch.manual_seed(1)
    return AutoModelForSequenceClassification.from_pretrained(
        tiny_bert,
        num_labels=3,
        id2label=dict(enumerate(NAMES)),
        label2id={name: index for index, name in enumerate(NAMES)},
        ignore_mismatched_sizes=True,
    ).eval()


@pytest.fixture(scope="module")
def tokenizer(tiny_bert: Path) -> PreTrainedTokenizerBase:
    return AutoTokenizer.from_pretrained(tiny_bert)
