"""What earlier rules by name or attribute got wrong, beyond what `test_every_encoder.py` tests."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.encoders import loaded, texts, tokens_of, with_and_without_states
from tests.tiny_encoders import save_tiny

from finesweep.config import ModelConfig
from finesweep.model import freeze_layers

pytestmark = pytest.mark.slow

RELATIVE: dict[str, Any] = {
    "relative_attention": True,
    "pos_att_type": ["p2c", "c2p"],
    "position_biased_input": False,
    "position_buckets": 16,
    "share_att_key": True,
    "norm_rel_ebd": "layer_norm",
    "type_vocab_size": 0,
}
"""The model type of DeBERTa v3."""


def test_kept_states_change_nothing_where_layers_share_relative_positions(tmp_path: Path) -> None:
    save_tiny("deberta-v2", tmp_path / "model", **RELATIVE)
    config = ModelConfig(name_or_path=str(tmp_path / "model"))
    loaded(config)
    tokens = tokens_of(config, texts())
    for depth in (1, "all"):  # states of all layers are made from those of the first
        found = with_and_without_states(loaded(config), depth, tokens, tmp_path / "cache")
        assert found == ("", [])


def test_a_layer_whose_parts_stand_in_four_lists_is_frozen_whole(tmp_path: Path) -> None:
    save_tiny("flaubert", tmp_path)
    model = loaded(ModelConfig(name_or_path=str(tmp_path)))
    freeze_layers(model, 1)
    parts = ("attentions", "layer_norm1", "ffns", "layer_norm2")
    frozen = {name for name, p in model.named_parameters() if not p.requires_grad}
    names = {name.removeprefix("transformer.") for name in frozen}
    assert {name.split(".")[0] for name in names if name.split(".")[1] == "0"} == {*parts}
    assert not [name for name in names if name.startswith(parts) and name.split(".")[1] != "0"]
    assert {"embeddings.weight", "position_embeddings.weight"} <= names


def test_a_norm_above_all_layers_is_trained_while_layers_are_frozen(tmp_path: Path) -> None:
    save_tiny("modernbert", tmp_path)
    model = loaded(ModelConfig(name_or_path=str(tmp_path)))
    freeze_layers(model, 1)
    trained_names = {name for name, p in model.named_parameters() if p.requires_grad}
    assert {"model.final_norm.weight", "head.dense.weight", "classifier.weight"} <= trained_names
    assert not [
        name for name in trained_names if name.startswith(("model.embed", "model.layers.0"))
    ]
    freeze_layers(model, "all")
    assert model.get_parameter("model.final_norm.weight").requires_grad
