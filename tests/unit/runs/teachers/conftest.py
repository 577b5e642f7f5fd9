"""A teacher of the learnable texts' three labels, in an order of its own, saved by transformers."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.tiny_bert import tiny_bert as saved_bert

from finesweep.config import Config, compose
from finesweep.dataset import load_dataset
from finesweep.records import TextDataset

NAMES = ("plain", "good", "bad")
LABELS = {
    "num_labels": 3,
    "id2label": dict(enumerate(NAMES)),
    "label2id": {name: k for k, name in enumerate(NAMES)},
}


@pytest.fixture(scope="package")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return saved_bert(tmp_path_factory.mktemp("teacher"), **LABELS)


@pytest.fixture
def config(folder: Path, tiny_bert: Path, texts_csv: Path, tmp_path: Path) -> Config:
    """A run on 60 rows that the teacher teaches, with a cache of its own."""
    return compose(
        [
            "dataset=local",
            f"dataset.path={texts_csv}",
            "dataset.train_size=60",
            "dataset.max_length=16",
            f"model.name_or_path={tiny_bert}",
            "training.epochs=1",
            "training.precision=fp32",
            f"training.teacher={folder}",
            f"tracking.uri=sqlite:///{tmp_path / 'mlflow.db'}",
            f"storage.cache={tmp_path / 'cache'}",
        ]
    ).config


@pytest.fixture
def dataset(config: Config) -> TextDataset:
    return load_dataset(config.dataset)
