"""The sentence vector that the head reads, kept wherever the model is saved and loaded."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from tests.unit.model.settings.conftest import IDS, MASK, Load, logits
from transformers import AutoModelForSequenceClassification, PreTrainedModel

from finesweep.config import ModelConfig
from finesweep.errors import ConfigError
from finesweep.model import (
    Bypass,
    anatomy_of,
    freeze_layers,
    load_model,
    load_tokenizer,
    load_trained,
)
from finesweep.model.settings.pooling import apply_pooling, pooling_of, sentence_vectors

pytestmark = pytest.mark.slow
FIRST_TOKEN = ("bert", "distilbert", "roberta", "deberta-v2")
STATES = torch.arange(24.0).view(2, 4, 3)


@pytest.mark.parametrize("side", ["right", "left"])
def test_the_mean_is_that_of_all_tokens_and_no_padding(side: str) -> None:
    mask = torch.tensor([[1, 1, 1, 1], [1, 1, 0, 0]])
    mask = mask if side == "right" else mask.flip(1)
    rows = STATES[1, :2] if side == "right" else STATES[1, 2:]
    vectors = sentence_vectors(STATES, mask, pooling="mean")
    torch.testing.assert_close(vectors, torch.stack([STATES[0].mean(dim=0), rows.mean(dim=0)]))


def test_the_first_token_is_the_first_that_is_no_padding() -> None:
    mask = torch.tensor([[1, 1, 1, 1], [0, 0, 1, 1]])
    vectors = sentence_vectors(STATES, mask, pooling="cls")
    assert torch.equal(vectors, torch.stack([STATES[0, 0], STATES[1, 2]]))


def test_without_a_mask_all_are_tokens() -> None:
    vectors = sentence_vectors(STATES, None, pooling="mean")
    torch.testing.assert_close(vectors, STATES.mean(dim=1))


def test_a_mask_of_another_length_is_an_error() -> None:
    with pytest.raises(ValueError, match="a mask of"):
        sentence_vectors(STATES[:, :1], torch.ones(2, 4), pooling="mean")


def of_the_head(model: PreTrainedModel) -> torch.Tensor:
    """Logits of the head alone, of the mean of the states that the encoder returns."""
    plain = model.base_model(input_ids=IDS, attention_mask=MASK, output_hidden_states=True)
    weights = MASK[:, :, None] / MASK.sum(dim=1)[:, None, None]
    mean = (plain.hidden_states[-1] * weights).sum(dim=1)
    kind = model.config.model_type
    if kind == "bert":
        return model.classifier(model.bert.pooler(mean[:, None]))
    if kind == "distilbert":
        return model.classifier(model.pre_classifier(mean).relu())
    if kind == "roberta":
        return model.classifier(mean[:, None])
    if kind == "deberta-v2":
        return model.classifier(model.pooler(mean[:, None]))
    return model.score(mean)


@pytest.mark.parametrize("kind", [*FIRST_TOKEN, "gpt2"])
def test_the_head_reads_the_mean(load: Load, kind: str) -> None:
    with torch.no_grad():
        expected = of_the_head(load(kind))
    torch.testing.assert_close(logits(load(kind, pooling="mean")), expected, atol=1e-6, rtol=1e-4)


@pytest.mark.parametrize("kind", FIRST_TOKEN)
def test_the_first_token_is_what_these_read_by_themselves(load: Load, kind: str) -> None:
    torch.testing.assert_close(logits(load(kind, pooling="cls")), logits(load(kind)))


@pytest.mark.parametrize("kind", ["bert", "distilbert", "roberta", "gpt2"])
def test_it_is_the_same_when_loaded_again(
    load: Load, kind: str, tmp_path: Path, folder_of: Callable[[str], Path]
) -> None:
    model = load(kind, pooling="mean")
    model.save_pretrained(tmp_path)
    load_tokenizer(ModelConfig(name_or_path=str(folder_of(kind)))).save_pretrained(tmp_path)
    again, _ = load_trained(tmp_path)
    assert torch.equal(logits(again.eval()), logits(model))
    # A checkpoint to start from, also: its head was trained on the mean.
    started = load_model(ModelConfig(name_or_path=str(tmp_path)), label_names="abc", seed=1)
    assert pooling_of(started) == "mean"
    assert torch.equal(logits(started.eval()), logits(model))


def test_transformers_alone_ignores_it(load: Load, tmp_path: Path) -> None:
    """As docs/sweeps.md says: the config has it for whoever looks."""
    model = load("bert", pooling="mean")
    model.save_pretrained(tmp_path)
    plain = AutoModelForSequenceClassification.from_pretrained(tmp_path).eval()
    assert not torch.allclose(logits(plain), logits(model))
    saved = json.loads((tmp_path / "config.json").read_text(encoding="utf-8"))
    assert saved["finesweep_pooling"] == {"pooling": "mean", "module": "bert.encoder.layer.2"}


def test_applied_again_it_is_the_same(load: Load) -> None:
    model = load("bert", pooling="mean")
    n_hooks = len(model._forward_pre_hooks)
    apply_pooling(model)
    assert len(model._forward_pre_hooks) == n_hooks


def test_the_mask_may_be_given_by_its_place(load: Load) -> None:
    model = load("bert", pooling="mean")
    with torch.no_grad():
        assert torch.equal(model(IDS, MASK).logits, logits(model))


def test_states_of_frozen_layers_are_those_before_pooling(load: Load) -> None:
    """Or trainings with another pooling could not share them."""
    states = []
    for model in (load("bert"), load("bert", pooling="mean")):
        freeze_layers(model, "all")
        states.append(Bypass(model, 3).states(3, input_ids=IDS, attention_mask=MASK))
    assert torch.equal(*states)


def test_the_output_of_an_encoder_is_its_last_norm_where_it_has_one(load: Load) -> None:
    assert anatomy_of(load("gpt2")).output == "transformer.ln_f"
    assert anatomy_of(load("roberta")).output == "roberta.encoder.layer.2"


@pytest.mark.parametrize(
    ("kind", "pooling", "why"),
    [
        ("gpt2", "cls", "its first token reads no other"),
        ("bart", "mean", "bart has a decoder"),
        ("albert", "mean", "albert runs its last layer 3 times"),
        ("xlnet", "mean", "xlnet returns no state per token"),
    ],
)
def test_what_cannot_be_pooled_is_refused_in_a_sentence(
    load: Load, kind: str, pooling: str, why: str
) -> None:
    with pytest.raises(ConfigError, match=rf"^model\.pooling: {pooling} given; .*{why}"):
        load(kind, pooling=pooling)
