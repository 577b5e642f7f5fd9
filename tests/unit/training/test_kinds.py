"""Model types that earlier rules by name or attribute got wrong: each trains correctly."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.encoders import (
    loaded,
    texts,
    tokens_of,
    trained,
    unlike_pipeline,
    with_and_without_states,
)
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


def saved(kind: str, folder: Path, **fields: Any) -> ModelConfig:
    save_tiny(kind, folder, **fields)
    return ModelConfig(name_or_path=str(folder))


@pytest.mark.parametrize(
    ("kind", "fields"),
    [("deberta-v2", RELATIVE), ("modernbert", {}), ("mpnet", {}), ("electra", {}), ("zamba2", {})],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_kept_states_change_nothing_whatever_a_layer_takes_and_returns(
    tmp_path: Path, kind: str, fields: dict[str, Any]
) -> None:
    config = saved(kind, tmp_path / "model", **fields)
    loaded(config)
    tokens = tokens_of(config, texts())
    for depth in (1, "all"):  # states of all layers are made from those of the first
        found = with_and_without_states(config, depth, tokens, tmp_path / "cache")
        assert found == ("", [])


def test_a_layer_whose_parts_stand_in_four_lists_is_frozen_and_trained_whole(
    tmp_path: Path,
) -> None:
    config = saved("flaubert", tmp_path / "model")
    model = loaded(config)
    freeze_layers(model, 1)
    parts = ("attentions", "layer_norm1", "ffns", "layer_norm2")
    frozen = {name for name, p in model.named_parameters() if not p.requires_grad}
    names = {name.removeprefix("transformer.") for name in frozen}
    assert {name.split(".")[0] for name in names if name.split(".")[1] == "0"} == {*parts}
    assert not [name for name in names if name.startswith(parts) and name.split(".")[1] != "0"]
    assert {"embeddings.weight", "position_embeddings.weight"} <= names
    tokens = tokens_of(config, texts())
    why_not, wrong = with_and_without_states(config, 1, tokens, tmp_path / "cache")
    assert (why_not, wrong) == ("", [])


def test_a_norm_above_all_layers_is_trained_while_layers_are_frozen(tmp_path: Path) -> None:
    model = loaded(saved("modernbert", tmp_path))
    freeze_layers(model, 1)
    trained_names = {name for name, p in model.named_parameters() if p.requires_grad}
    assert {"model.final_norm.weight", "head.dense.weight", "classifier.weight"} <= trained_names
    assert not [
        name for name in trained_names if name.startswith(("model.embed", "model.layers.0"))
    ]
    freeze_layers(model, "all")
    assert model.get_parameter("model.final_norm.weight").requires_grad


@pytest.mark.parametrize("kind", ["xlnet", "bart", "qwen3_5"])
def test_a_model_with_more_to_hand_out_than_logits_trains_and_answers_as_it_was_evaluated(
    tmp_path: Path, kind: str
) -> None:
    """XLNet's memory, BART's encoder; and Qwen's forward, which does not name its labels."""
    config, made = saved(kind, tmp_path / "model"), texts()
    model = loaded(config)
    tokens = tokens_of(config, made)
    assert trained(model, 0, tokens, None)[1] == []
    assert unlike_pipeline(model, tokens, made, tmp_path / "trained") == []
