"""The learnable texts as token ids of the tiny BERT."""

from __future__ import annotations

from pathlib import Path

import pytest

from finesweep.config import DatasetConfig, ModelConfig
from finesweep.dataset import load_dataset, tokenise
from finesweep.model import load_tokenizer
from finesweep.records import Tokens


@pytest.fixture(scope="session")
def tokens(tiny_bert: Path, texts_csv: Path) -> Tokens:
    """192 rows of train, 24 of validation and of test, in three balanced classes."""
    dataset = load_dataset(DatasetConfig(name="local", path=str(texts_csv)))
    tokenizer = load_tokenizer(ModelConfig(name_or_path=str(tiny_bert)))
    return tokenise(dataset, tokenizer, max_length=16)
