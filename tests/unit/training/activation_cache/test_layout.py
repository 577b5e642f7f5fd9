"""Which trainings share states."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import torch
from tests.unit.training.activation_cache.trainings import Loaded

from finesweep.config import ModelConfig
from finesweep.model import load_model
from finesweep.records import Tokens
from finesweep.training.activation_cache.layout import activation_key


def test_pairs_have_states_of_their_own(
    loaded: Loaded, tokens: Tokens, pair_tokens: Tokens
) -> None:
    model = loaded(1)
    keys = {activation_key(model, each, 1, torch.float32) for each in (tokens, pair_tokens)}
    assert len(keys) == 2


def test_other_weights_lengths_and_depths_have_states_of_their_own(
    loaded: Loaded, tokens: Tokens
) -> None:
    model, longer = loaded(1), replace(tokens, max_length=20)
    other = loaded(1)
    name = next(n for n in other.starting_digests if "embeddings" in n)
    other.starting_digests = {**other.starting_digests, name: "0" * 64}
    keys = [
        activation_key(model, tokens, 1, torch.float32),
        activation_key(model, tokens, 2, torch.float32),
        activation_key(model, tokens, 1, torch.bfloat16),
        activation_key(model, longer, 1, torch.float32),
        activation_key(other, tokens, 1, torch.float32),
    ]
    assert len(set(keys)) == 5
    assert activation_key(loaded(2), tokens, 1, torch.float32) == keys[0]


def test_another_head_shares_the_states(loaded: Loaded, tokens: Tokens, tiny_bert: Path) -> None:
    model = loaded(1)
    config = ModelConfig(str(tiny_bert), distil=model.config.model_type == "distilbert")
    two = load_model(config, label_names=("x", "y"), seed=5)
    keys = {activation_key(each, tokens, 1, torch.float32) for each in (model, two)}
    assert len(keys) == 1
