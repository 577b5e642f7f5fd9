"""The tiny BERT with minilm's vocabulary, for rules about words and their pieces."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests import tiny_bert as builder
from tests.unit.training.conftest import tokenized

from finesweep.records import Tokens


@pytest.fixture(scope="session")
def tiny_bert(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tiny-bert-to-adapt")
    return builder.tiny_bert(folder, tokenizer=builder.minilm_tokenizer())


@pytest.fixture(scope="session")
def tokens(tiny_bert: Path, texts_csv: Path, cache: Path) -> Tokens:
    return tokenized(tiny_bert, texts_csv, cache, 96)
