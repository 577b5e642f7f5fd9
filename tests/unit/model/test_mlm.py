"""A checkpoint as a masked language model, saved so that classifiers can start from it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from tests.tiny_bert import tiny_config
from transformers import (
    AutoModelForSequenceClassification,
    BertForMaskedLM,
    BertForSequenceClassification,
    GPT2Config,
)

from finesweep.config import ModelConfig
from finesweep.errors import ConfigError
from finesweep.model import (
    decode_masked_only,
    limit_problems,
    load_masked,
    load_model,
    load_tokenizer,
    save_masked,
    starting_sha256,
)

pytestmark = pytest.mark.slow

NAMES = ("negative", "positive")


@pytest.fixture(params=[False, True], ids=["bert", "distil"])
def config(request: pytest.FixtureRequest, tiny_bert: Path) -> ModelConfig:
    return ModelConfig(name_or_path=str(tiny_bert), distil=request.param)


def trained(config: ModelConfig) -> Any:
    """A masked language model, all of whose weights training has changed."""
    masked = load_masked(config, seed=1)
    with torch.no_grad():
        for parameter in masked.model.parameters():
            parameter.add_(0.01)
    return masked


def test_a_classifier_from_the_saved_folder_has_only_a_new_head(
    config: ModelConfig, tmp_path: Path
) -> None:
    masked = trained(config)
    save_masked(masked, load_tokenizer(config), tmp_path)
    saved = ModelConfig(name_or_path=str(tmp_path))
    made, info = AutoModelForSequenceClassification.from_pretrained(
        tmp_path, output_loading_info=True
    )
    new = {name.rpartition(".")[0] for name in info["missing_keys"]}
    assert new == ({"pre_classifier", "classifier"} if config.distil else {"classifier"})
    plain, own = load_model(config, label_names=NAMES, seed=0), masked.model.state_dict()
    loaded = load_model(saved, label_names=NAMES, seed=0)
    assert type(loaded) is type(plain) is type(made)
    for name, weight in loaded.base_model.state_dict(prefix=f"{made.base_model_prefix}.").items():
        expected = own[name] if name in own else plain.state_dict()[name]  # the pooler
        assert torch.equal(weight, expected), name
    assert limit_problems([(saved, 64)]) == []
    tokenizer = load_tokenizer(saved)
    assert tokenizer.model_input_names == load_tokenizer(config).model_input_names
    assert sorted(path.suffix for path in tmp_path.iterdir()) == [".json"] * 3 + [".safetensors"]


def test_a_new_head_is_told_and_is_there_when_the_folder_is_adapted_again(
    config: ModelConfig, tmp_path: Path
) -> None:
    masked = trained(config)
    assert masked.has_new_head
    save_masked(masked, load_tokenizer(config), tmp_path)
    again = load_masked(ModelConfig(name_or_path=str(tmp_path)), seed=2)
    assert not again.has_new_head
    state = again.model.state_dict()
    for name, weight in masked.model.state_dict().items():
        assert torch.equal(weight, state[name]), name
    assert again.classifier_weights.keys() == masked.classifier_weights.keys()


def test_the_seed_alone_draws_the_new_head(config: ModelConfig) -> None:
    torch.rand(3)
    first, same, other = (starting_sha256(load_masked(config, seed=s).model) for s in (1, 1, 2))
    assert first == same != other


def test_the_last_step_is_tied_to_the_word_embeddings(config: ModelConfig) -> None:
    model = load_masked(config, seed=0).model
    assert model.get_output_embeddings().weight is model.get_input_embeddings().weight


def test_a_distilberts_encoder_is_what_a_classifier_would_start_from(tiny_bert: Path) -> None:
    config = ModelConfig(name_or_path=str(tiny_bert), distil=True)
    masked = load_masked(config, seed=0).model.distilbert.state_dict()
    for name, weight in (
        load_model(config, label_names=NAMES, seed=0).distilbert.state_dict().items()
    ):
        assert torch.equal(weight, masked[name]), name


def test_logits_of_chosen_places_and_their_gradients_are_those_of_all(config: ModelConfig) -> None:
    model = load_masked(config, seed=0).model.eval()
    ids = torch.randint(5, 80, (2, 6), generator=torch.Generator().manual_seed(0))
    chosen = torch.tensor([[0, 1, 0, 1, 0, 0], [0, 0, 0, 0, 1, 0]], dtype=torch.bool)
    expected = model(input_ids=ids).logits[chosen]
    with decode_masked_only(model, chosen):
        logits = model(input_ids=ids).logits
    torch.testing.assert_close(logits, expected)
    weight = model.base_model.get_input_embeddings().weight
    gradients = [
        torch.autograd.grad(each.log_softmax(-1)[:, 7].sum(), weight)[0]
        for each in (logits, expected)
    ]
    # Sums of different lengths, which round differently.
    torch.testing.assert_close(*gradients, atol=1e-4, rtol=1e-4)
    assert model(input_ids=ids).logits.shape[:2] == (2, 6)


def test_a_pooler_that_the_checkpoint_lacks_is_not_invented(tmp_path: Path) -> None:
    config = tiny_config(vocab_size=30, num_hidden_layers=1)
    BertForMaskedLM(config).save_pretrained(tmp_path / "without")
    BertForSequenceClassification(config).save_pretrained(tmp_path / "with")
    without, with_it = (
        load_masked(ModelConfig(name_or_path=str(tmp_path / name)), seed=0)
        for name in ("without", "with")
    )
    assert (without.has_new_head, with_it.has_new_head) == (False, True)
    assert set(without.classifier_weights) == set()
    assert set(with_it.classifier_weights) == {"bert.pooler.dense.weight", "bert.pooler.dense.bias"}


def test_a_kind_of_model_that_guesses_no_masked_tokens_is_refused(tmp_path: Path) -> None:
    GPT2Config().save_pretrained(tmp_path)
    with pytest.raises(ConfigError, match=r"model\.name_or_path: .* is gpt2, which has no masked"):
        load_masked(ModelConfig(name_or_path=str(tmp_path)), seed=0)
