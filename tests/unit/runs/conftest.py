"""A run's setup: the untrained tiny BERT, and the learnable texts."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from finesweep.runs.run_logging import Setup
    from finesweep.tracking import TrackingStore


@pytest.fixture(scope="module")
def setup(
    tmp_path_factory: pytest.TempPathFactory, tiny_bert: Path, texts_csv: Path, store: TrackingStore
) -> Setup:
    """192 rows of train, 24 of validation and of test, in three classes; tracked in the store."""
    from finesweep.config import compose
    from finesweep.dataset import load_dataset
    from finesweep.model import count_parameters, load_model, load_tokenizer
    from finesweep.runs.preparation import tokens_of
    from finesweep.runs.run_logging import Setup

    experiment = store.client.get_experiment(store.experiment_id).name
    composed = compose(
        [
            "dataset=local",
            f"dataset.path={texts_csv}",
            "dataset.max_length=16",
            f"model.name_or_path={tiny_bert}",
            "training.epochs=2",
            "training.precision=fp32",
            f"tracking.uri={store.uri}",
            f"tracking.experiment={experiment}",
            "storage.url='postgresql://ada:secret@db/optuna'",
            f"storage.cache={tmp_path_factory.mktemp('cache')}",
        ]
    )
    dataset = load_dataset(composed.config.dataset)
    model = load_model(composed.config.model, label_names=dataset.label_names, seed=0)
    tokens = tokens_of(dataset, load_tokenizer(composed.config.model), composed.config)
    return Setup(composed, dataset, tokens, model, count_parameters(model))
