"""Models frozen up to a depth."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.unit.training.activation_cache.trainings import Loaded
from transformers import PreTrainedModel

from finesweep.config import ModelConfig
from finesweep.model import freeze_layers, load_model


@pytest.fixture(params=["bert", "distilbert"])
def loaded(request: pytest.FixtureRequest, tiny_bert: Path) -> Loaded:
    """A new BERT or DistilBERT, frozen up to a depth."""
    config = ModelConfig(name_or_path=str(tiny_bert), distil=request.param == "distilbert")

    def load(depth: int | str) -> PreTrainedModel:
        model = load_model(config, label_names=("a", "b", "c"), seed=1)
        freeze_layers(model, depth)
        return model

    return load
