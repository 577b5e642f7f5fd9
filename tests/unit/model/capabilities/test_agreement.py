"""Tokenizer, config and weights from different sources: made to match, or refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from tests.tiny_encoders import VOCABULARY, save_tiny, save_tokenizer, tiny
from transformers import AutoTokenizer, PreTrainedTokenizerBase

from finesweep.config import ModelConfig
from finesweep.errors import ConfigError
from finesweep.model import load_model, load_tokenizer
from finesweep.model.capabilities.edges import edges_of

pytestmark = pytest.mark.slow


def loaded(folder: Path, **how: Any) -> tuple[Any, PreTrainedTokenizerBase]:
    config = ModelConfig(name_or_path=str(folder))
    model = load_model(config, label_names=("a", "b", "c"), seed=0, **how)
    return model, load_tokenizer(config)


def change(file: Path, **fields: Any) -> None:
    file.write_text(json.dumps(json.loads(file.read_text()) | fields), encoding="utf-8")


@pytest.mark.parametrize("own", [None, 7])
@pytest.mark.parametrize("kind", ["qwen2", "llama", "gpt2"])
def test_a_config_without_its_tokenizers_padding_takes_it(
    tmp_path: Path, kind: str, own: int | None
) -> None:
    save_tiny(kind, tmp_path)
    change(tmp_path / "config.json", pad_token_id=own)
    model, tokenizer = loaded(tmp_path)
    assert model.config.pad_token_id == tokenizer.pad_token_id == 0
    assert _same_alone(model, tokenizer)


def test_a_tokenizer_without_padding_takes_its_models(tmp_path: Path) -> None:
    save_tiny("bert", tmp_path)
    change(tmp_path / "tokenizer_config.json", pad_token=None)
    model, tokenizer = loaded(tmp_path)
    assert tokenizer.pad_token == "[PAD]"
    assert _same_alone(model, tokenizer)
    tokenizer.save_pretrained(tmp_path / "again")
    assert AutoTokenizer.from_pretrained(tmp_path / "again").pad_token == "[PAD]"


def test_fewer_embeddings_than_tokens_are_refused(tmp_path: Path) -> None:
    save_tiny("bert", tmp_path, vocab_size=len(VOCABULARY) - 4)
    highest = len(VOCABULARY) - 1
    message = (
        rf"^model\.name_or_path: the tokenizer of \S+ has token ids up to {highest}, but its"
        rf" weights have {highest - 3} embeddings: they are from different checkpoints$"
    )
    with pytest.raises(ConfigError, match=message):
        loaded(tmp_path)


def test_a_very_short_longest_input_is_told_as_one(tmp_path: Path) -> None:
    save_tiny("roberta-prelayernorm", tmp_path, pad_token_id=1, max_position_embeddings=12)
    loaded(tmp_path, max_length=10)
    with pytest.raises(ConfigError, match=r"^dataset\.max_length: 12 given; \S+ takes at most 10"):
        loaded(tmp_path, max_length=12)


@pytest.mark.parametrize("kind", ["fnet", "convbert", "canine", "funnel", "t5gemma"])
def test_a_model_that_reads_padding_is_refused(tmp_path: Path, kind: str) -> None:
    save_tiny(kind, tmp_path)
    message = rf"^model\.name_or_path: \S+ cannot be used: {kind} also reads the padding"
    with pytest.raises(ConfigError, match=message):
        loaded(tmp_path)


def test_weights_that_are_no_numbers_are_refused(tmp_path: Path) -> None:
    model = tiny("bert")
    with torch.no_grad():
        model.bert.pooler.dense.weight[0, 0] = torch.nan
    model.save_pretrained(tmp_path)
    save_tokenizer(tmp_path)
    with pytest.raises(
        ConfigError, match=r"has logits that are not finite: its weights are broken$"
    ):
        loaded(tmp_path)


def test_the_frame_is_found_where_the_tokenizer_has_no_piece_for_a_letter(tmp_path: Path) -> None:
    """A tokenizer of known words only, without an unknown token."""
    save_tokenizer(tmp_path)
    file = tmp_path / "tokenizer.json"
    tokenizer = json.loads(file.read_text())
    tokenizer["model"] = {"type": "BPE", "vocab": VOCABULARY, "merges": [], "ignore_merges": True}
    file.write_text(json.dumps(tokenizer), encoding="utf-8")
    made = AutoTokenizer.from_pretrained(tmp_path)
    assert made("a")["input_ids"] == [2, 3]
    edges = edges_of(made, n_texts=1)
    assert edges.tokens == [[2], [3]]
    assert edges_of(made, n_texts=2).tokens == [[2], [3], [3]]


def _same_alone(model: Any, tokenizer: PreTrainedTokenizerBase) -> bool:
    """Whether padding leaves a text's logits unchanged."""
    texts = ["red blue green small large", "red"]
    model.eval()
    with torch.no_grad():
        both = model(**tokenizer(texts, padding=True, return_tensors="pt")).logits
        alone = model(**tokenizer(texts[1:], return_tensors="pt")).logits
    return torch.allclose(both[1], alone[0], atol=1e-6)
