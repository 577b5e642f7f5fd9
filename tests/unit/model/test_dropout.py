"""Dropout from 16 bits per value: the right rate, unbiased, and seeded by torch."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from transformers import PreTrainedModel

from finesweep.config import ModelConfig
from finesweep.model import faster_training, load_model, quick_dropout
from finesweep.model.dropout import ATTENTION, dropout_mask
from finesweep.model.transformers_private import attention_of

pytestmark = pytest.mark.slow


@pytest.fixture
def model(tiny_bert: Path) -> PreTrainedModel:
    config = ModelConfig(name_or_path=str(tiny_bert))
    return load_model(config, label_names=("a", "b", "c"), seed=1)


def batch() -> dict[str, torch.Tensor]:
    ids = torch.arange(5, 26).reshape(3, 7)
    return {"input_ids": ids, "attention_mask": torch.ones_like(ids)}


@pytest.mark.parametrize("p", [0.1, 0.5, 0.9])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_a_share_p_is_dropped_and_the_mean_stays(p: float, dtype: torch.dtype) -> None:
    torch.manual_seed(0)
    mask = dropout_mask(torch.empty(1000, 999, dtype=dtype), p)
    assert (mask.shape, mask.dtype) == ((1000, 999), dtype)
    # Within four standard deviations of a binomial share.
    assert abs(float((mask == 0).double().mean()) - p) < 4 * (p * (1 - p) / 999_000) ** 0.5
    values = mask.unique()
    assert values.tolist() == pytest.approx([0, 1 / (1 - p)], rel=1e-2 if p == 0.9 else 4e-3)


def test_neighbours_are_dropped_independently() -> None:
    torch.manual_seed(0)
    dropped = (dropout_mask(torch.empty(999_999), 0.1) == 0).double()
    for lag in (1, 2, 3, 4, 16):
        together = float((dropped[lag:] * dropped[:-lag]).mean())
        assert abs(together - 0.01) < 4 * (0.01 * 0.99 / 999_999) ** 0.5


def test_torchs_seed_alone_decides() -> None:
    like = torch.empty(501)
    torch.manual_seed(3)
    first, second = dropout_mask(like, 0.5), dropout_mask(like, 0.5)
    torch.manual_seed(3)
    assert torch.equal(dropout_mask(like, 0.5), first)
    assert torch.equal(dropout_mask(like, 0.5), second)
    assert not torch.equal(first, second)


@pytest.mark.parametrize("is_there", [True, False])
def test_a_model_that_is_not_on_a_cpu_is_left_alone(model: PreTrainedModel, is_there: bool) -> None:
    """Also one that is moved only afterwards, as Trainer does."""
    device = torch.device("meta")  # stands for a GPU: it is not a CPU
    if is_there:
        model.to(device)
    with quick_dropout(model, device=None if is_there else device):
        assert attention_of(model.config) == "sdpa"
        assert not any("forward" in vars(module) for module in model.modules())
    with quick_dropout(model, device=torch.device("cpu")):
        assert attention_of(model.config) == ATTENTION


def test_training_elsewhere_has_no_quick_dropout(model: PreTrainedModel) -> None:
    with faster_training(model, batch(), device=torch.device("cuda")):
        assert attention_of(model.config) == "sdpa"
    with faster_training(model, batch()):
        assert attention_of(model.config) == ATTENTION


def test_a_model_in_eval_mode_is_as_before(model: PreTrainedModel) -> None:
    model.eval()
    with torch.no_grad():
        before = model(**batch()).logits
        with quick_dropout(model):
            assert torch.equal(model(**batch()).logits, before)


def test_a_training_model_has_dropout_whose_mean_is_the_whole(model: PreTrainedModel) -> None:
    """The output of one attention, which is linear in the dropout mask."""
    attention = model.base_model.encoder.layer[0].attention.self
    states, mask = torch.randn(2, 6, 32), torch.ones(2, 1, 6, 6, dtype=torch.bool)
    mask[1, :, :, 4:] = False
    whole = attention.eval()(states, mask)[0].detach()
    attention.train()
    torch.manual_seed(0)
    with quick_dropout(model), torch.no_grad():
        draws = torch.stack([attention(states, mask)[0] for _ in range(4000)])
    assert (draws.std(dim=0) > 0).all()
    error = draws.std(dim=0) / len(draws) ** 0.5
    assert float(((draws.mean(dim=0) - whole) / error).abs().max()) < 5


def test_what_is_dropped_has_no_gradient(model: PreTrainedModel) -> None:
    dropout = torch.nn.Dropout(0.5)
    model.base_model.embeddings.dropout = dropout
    states = torch.ones(100, requires_grad=True)
    with quick_dropout(model):
        made = dropout.train()(states)
        made.sum().backward()
    assert states.grad is not None
    assert torch.equal(made.detach(), states.grad)
    assert 0 < int((states.grad == 0).sum()) < 100


def test_it_ends_with_the_context(model: PreTrainedModel) -> None:
    with quick_dropout(model):
        assert attention_of(model.config) == ATTENTION
        assert "forward" in vars(model.dropout)
    assert attention_of(model.config) == "sdpa"
    assert not any("forward" in vars(module) for module in model.modules())
