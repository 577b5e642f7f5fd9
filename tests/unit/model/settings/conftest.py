"""Tiny encoders of several kinds, each saved once."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import torch
from tests.tiny_encoders import save_tiny
from transformers import PreTrainedModel

from finesweep.config import ModelConfig
from finesweep.model import load_model

Load = Callable[..., PreTrainedModel]
KINDS = ("bert", "distilbert", "roberta", "deberta-v2", "gpt2")
IDS = torch.tensor([[2, 6, 7, 8, 9, 3], [2, 6, 9, 3, 0, 0]])
MASK = torch.tensor([[1] * 6, [1] * 4 + [0] * 2])


@pytest.fixture(scope="session")
def folder_of(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    @cache
    def saved(kind: str) -> Path:
        folder = tmp_path_factory.mktemp(kind)
        save_tiny(kind, folder)
        return folder

    return saved


@pytest.fixture
def load(folder_of: Callable[[str], Path]) -> Load:
    """A classifier of a kind with the fields of its ModelConfig, and without dropout running."""

    def loaded(kind: str, **fields: Any) -> PreTrainedModel:
        config = ModelConfig(name_or_path=str(folder_of(kind)), **fields)
        return load_model(config, label_names=("a", "b", "c"), seed=1).eval()

    return loaded


@torch.no_grad()
def logits(model: PreTrainedModel, ids: torch.Tensor = IDS, mask: Any = MASK) -> torch.Tensor:
    return model(input_ids=ids, attention_mask=mask).logits
