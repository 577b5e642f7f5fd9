"""The learnable texts as the tiny BERT's token ids."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from finesweep.config import DatasetConfig, ModelConfig
from finesweep.dataset import load_dataset, tokenize
from finesweep.model import load_tokenizer
from finesweep.records import Tokens


def tokenized(tiny_bert: Path, texts_csv: Path, cache: Path, train_size: int | None) -> Tokens:
    dataset = load_dataset(DatasetConfig(name="local", path=str(texts_csv), train_size=train_size))
    tokenizer = load_tokenizer(ModelConfig(name_or_path=str(tiny_bert)))
    return tokenize(dataset, tokenizer, max_length=16, cache=cache)


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="session")
def tokens(tiny_bert: Path, texts_csv: Path, cache: Path) -> Tokens:
    """96 rows of train, 24 of validation and of test, in three balanced classes."""
    return tokenized(tiny_bert, texts_csv, cache, 96)


@pytest.fixture(scope="session")
def more_tokens(tiny_bert: Path, texts_csv: Path, cache: Path) -> Tokens:
    """The same with all 192 rows of train: enough to learn from."""
    return tokenized(tiny_bert, texts_csv, cache, None)


@pytest.fixture(scope="session")
def pair_tokens(tiny_bert: Path, texts_csv: Path, cache: Path) -> Tokens:
    """The same 96 rows of train, whose texts have become pairs with a text of another length."""
    rows = pd.read_csv(texts_csv)
    rows["pair"] = [f"{'very ' * (number % 9)}good" for number in range(len(rows))]
    path = texts_csv.with_name("pairs.csv")
    rows.to_csv(path, index=False)
    config = DatasetConfig(name="pairs", path=str(path), pair_column="pair", train_size=96)
    tokenizer = load_tokenizer(ModelConfig(name_or_path=str(tiny_bert)))
    return tokenize(load_dataset(config), tokenizer, max_length=16, cache=cache)
