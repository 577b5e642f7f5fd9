"""A model soup is the mean of the weights, and of nothing else."""

from __future__ import annotations

import copy

import pytest
import torch
from tests.tiny_bert import tiny_config
from transformers import BertForMaskedLM, BertForSequenceClassification, PreTrainedModel

from finesweep.model import averaged

pytestmark = pytest.mark.slow
SIZES = {"vocab_size": 11, "hidden_size": 8, "num_hidden_layers": 1, "intermediate_size": 8}


def models(
    n: int, kind: type[PreTrainedModel] = BertForSequenceClassification
) -> list[PreTrainedModel]:
    """Of the same kind, with weights of their own."""
    made = []
    for seed in range(n):
        torch.manual_seed(seed)
        made.append(kind(tiny_config(**SIZES)))
    return made


def test_each_weight_is_the_mean_in_double_precision() -> None:
    each = models(3)
    for member, epsilon in zip(each, (1e8, 1.0, -1e8), strict=True):
        member.classifier.bias.data[0] = epsilon  # in float32 the 1 would be lost
    states = [copy.deepcopy(member.state_dict()) for member in each]
    made = averaged(each).state_dict()
    for name, value in made.items():
        expected = torch.stack([state[name].double() for state in states]).mean(dim=0)
        assert torch.equal(value, expected.float()), name
        assert value.dtype == torch.float32
    assert made["classifier.bias"][0] == pytest.approx(1 / 3)
    assert "bert.encoder.layer.0.output.LayerNorm.weight" in made


def test_what_all_share_does_not_change_by_a_bit() -> None:
    first, second, third = models(3)
    frozen = first.bert.embeddings.state_dict()
    for other in (second, third):
        other.bert.embeddings.load_state_dict(frozen)
    expected = copy.deepcopy(frozen)
    made = averaged([first, second, third]).bert.embeddings.state_dict()
    assert all(torch.equal(made[name], value) for name, value in expected.items())


def test_integers_are_not_averaged_and_one_model_is_itself() -> None:
    first, second = models(2)
    for member, count in ((first, 4), (second, 9)):
        member.register_buffer("count", torch.tensor(count))
        member.register_buffer("running", torch.tensor(float(count)))
    alone = copy.deepcopy(first)
    assert all(
        torch.equal(value, first.state_dict()[name])
        for name, value in averaged([alone]).state_dict().items()
    )
    made = averaged([first, second])
    assert (int(made.count), float(made.running)) == (4, 6.5)


def test_tied_weights_stay_tied() -> None:
    each = models(2, BertForMaskedLM)
    expected = sum(member.bert.embeddings.word_embeddings.weight.double() for member in each) / 2
    made = averaged(each)
    tied = made.get_output_embeddings().weight
    assert tied.data_ptr() == made.bert.embeddings.word_embeddings.weight.data_ptr()
    assert torch.equal(tied, expected.float())


def test_other_models_and_none_are_refused() -> None:
    other = BertForSequenceClassification(tiny_config(**{**SIZES, "vocab_size": 12}))
    with pytest.raises(ValueError, match=r"^the models' weights have different names or shapes$"):
        averaged([*models(1), other])
    with pytest.raises(ValueError, match=r"^there are no models to average$"):
        averaged([])
