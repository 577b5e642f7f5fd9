"""The last layer for the first token only: the same logits and gradients, fewer operations."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode
from transformers import PreTrainedModel, RobertaConfig, RobertaForSequenceClassification

from finesweep.config import ModelConfig
from finesweep.model import last_layer_cls_only, load_model, quick_dropout

LENGTHS = (9, 5, 2)


@pytest.fixture(params=[False, True], ids=["bert", "distilbert"])
def model(request: pytest.FixtureRequest, tiny_bert: Path) -> PreTrainedModel:
    config = ModelConfig(name_or_path=str(tiny_bert), distil=request.param)
    return load_model(config, label_names=("a", "b", "c"), seed=1)


def batch(lengths: tuple[int, ...] = LENGTHS) -> dict[str, torch.Tensor]:
    drawn = torch.Generator().manual_seed(0)
    ids = torch.randint(5, 80, (len(lengths), max(lengths)), generator=drawn)
    mask = (torch.arange(max(lengths)) < torch.tensor(lengths)[:, None]).long()
    return {"input_ids": ids * mask, "attention_mask": mask}


def without_dropout(model: PreTrainedModel) -> PreTrainedModel:
    for module in model.modules():
        if isinstance(module, nn.Dropout):
            module.p = 0.0
    return model.train()


def gradients(model: PreTrainedModel, inputs: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    model.zero_grad()
    model(**inputs, labels=torch.arange(len(inputs["input_ids"])) % 3).loss.backward()
    return {
        name: parameter.grad.clone()
        for name, parameter in model.named_parameters()
        if parameter.grad is not None
    }


@pytest.mark.parametrize("lengths", [LENGTHS, (7, 7)], ids=["padded", "of one length"])
@pytest.mark.parametrize("quick", [False, True])
def test_logits_are_the_same_in_eval_mode(
    model: PreTrainedModel, lengths: tuple[int, ...], quick: bool
) -> None:
    model.eval()
    with torch.no_grad():
        whole = model(**batch(lengths)).logits
        if quick:
            with quick_dropout(model), last_layer_cls_only(model):
                alone = model(**batch(lengths)).logits
        else:
            with last_layer_cls_only(model):
                alone = model(**batch(lengths)).logits
    torch.testing.assert_close(alone, whole, rtol=1e-5, atol=1e-6)


def test_every_gradient_is_the_same(model: PreTrainedModel) -> None:
    without_dropout(model)
    whole = gradients(model, batch())
    with last_layer_cls_only(model):
        alone = gradients(model, batch())
    assert alone.keys() == whole.keys()
    for name, gradient in whole.items():
        torch.testing.assert_close(alone[name], gradient, rtol=1e-4, atol=1e-6, msg=name)
    assert all(gradient.any() for name, gradient in whole.items() if "k_lin.bias" not in name)


def test_it_costs_fewer_operations_and_only_within(model: PreTrainedModel) -> None:
    def n_operations() -> int:
        with FlopCounterMode(display=False) as counter:
            model(**batch())
        return int(counter.get_total_flops())

    model.eval()
    whole = n_operations()
    with last_layer_cls_only(model):
        alone = n_operations()
        assert model.base_model(**batch()).last_hidden_state.shape[1] == 1
    assert alone < 0.9 * whole
    assert n_operations() == whole
    assert model.base_model(**batch()).last_hidden_state.shape[1] == max(LENGTHS)


def test_a_model_of_another_type_stays_as_it_is() -> None:
    config = RobertaConfig(
        vocab_size=100,
        hidden_size=8,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=16,
        max_position_embeddings=20,
    )
    model = RobertaForSequenceClassification(config).eval()
    with torch.no_grad(), last_layer_cls_only(model):
        assert model.base_model(**batch()).last_hidden_state.shape[1] == max(LENGTHS)
