"""Low-rank adapters: what they train, what is left of them, and who cannot have them."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from tests.unit.model.settings.conftest import KINDS, Load, logits
from transformers import AutoModelForSequenceClassification, PreTrainedModel

from finesweep.errors import ConfigError
from finesweep.model import (
    add_adapters,
    anatomy_of,
    count_parameters,
    freeze_layers,
    frozen_depth,
    merge_adapters,
)

pytest.importorskip("peft")
pytestmark = pytest.mark.slow
RANK = 4


def trained(model: PreTrainedModel) -> list[str]:
    return [name for name, each in model.named_parameters() if each.requires_grad]


def turned(model: PreTrainedModel) -> None:
    """As after a training: B is no longer zero."""
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if ".lora_B." in name:
                parameter.normal_(generator=generator)


@pytest.mark.parametrize("depth", [0, 1])
@pytest.mark.parametrize("kind", KINDS)
def test_adapters_above_the_frozen_layers_and_the_head_are_trained(
    load: Load, kind: str, depth: int
) -> None:
    model = load(kind)
    n_before = sum(p.numel() for p in model.parameters())
    head = [n for n, level in anatomy_of(model).levels.items() if level > 3]
    before = logits(model)
    freeze_layers(model, depth)
    counted = add_adapters(model, RANK, seed=1, name=kind)
    assert torch.equal(logits(model), before)  # B is zero
    adapters = [name for name in trained(model) if ".lora_" in name]
    assert [name for name in trained(model) if ".lora_" not in name] == head
    levels = anatomy_of(model).levels
    assert {levels[name] for name in adapters} == set(range(depth + 1, 4))
    assert frozen_depth(model) == depth
    n_adapters = sum(p.numel() for n, p in model.named_parameters() if n in adapters)
    assert counted == count_parameters(model)
    assert counted.trainable + counted.frozen == n_before + n_adapters
    assert counted.trainable < n_before / 4


def test_queries_and_values_are_adapted_where_they_have_names(load: Load) -> None:
    adapted = {}
    for kind in ("bert", "distilbert", "xlnet"):
        model = load(kind)
        add_adapters(model, RANK, seed=1, name=kind)
        adapters = [name.split(".lora_")[0] for name in trained(model) if ".lora_" in name]
        adapted[kind] = {name.rpartition(".")[2] for name in adapters}
    assert adapted["bert"] == {"query", "value"}
    assert adapted["distilbert"] == {"q_lin", "v_lin"}
    assert adapted["xlnet"] == {"layer_1", "layer_2"}  # all linear layers


@pytest.mark.parametrize("kind", KINDS)
def test_merged_it_is_a_plain_model_that_predicts_the_same(
    load: Load, kind: str, tmp_path: Path
) -> None:
    model = load(kind)
    names, plain = [name for name, _ in model.named_parameters()], logits(model)
    add_adapters(model, RANK, seed=1, name=kind)
    turned(model)
    adapted = logits(model)
    assert not torch.allclose(adapted, plain, atol=1e-4)
    merge_adapters(model)
    assert [name for name, _ in model.named_parameters()] == names
    torch.testing.assert_close(logits(model), adapted)
    model.save_pretrained(tmp_path)
    again = AutoModelForSequenceClassification.from_pretrained(tmp_path).eval()
    assert torch.equal(logits(again), logits(model))
    assert sorted(each.name for each in tmp_path.iterdir()) == ["config.json", "model.safetensors"]


def test_the_seed_draws_the_adapters_and_nothing_else(load: Load) -> None:
    def drawn(seed: int) -> torch.Tensor:
        model = load("bert")
        add_adapters(model, RANK, seed=seed, name="it")
        return next(p.detach() for n, p in model.named_parameters() if ".lora_A." in n)

    state = torch.get_rng_state()
    assert torch.equal(drawn(1), drawn(1))
    assert not torch.equal(drawn(1), drawn(2))
    load("bert")
    after = torch.get_rng_state()
    torch.set_rng_state(state)
    load("bert")
    assert torch.equal(torch.get_rng_state(), after)


def test_a_model_without_layers_left_is_refused(load: Load) -> None:
    model = load("bert")
    freeze_layers(model, "all")
    message = r"^model\.lora_rank: 4 given; it has no linear layer above its frozen ones to adapt$"
    with pytest.raises(ConfigError, match=message):
        add_adapters(model, RANK, seed=1, name="it")


def test_a_model_without_adapters_is_left_alone(load: Load) -> None:
    model = load("bert")
    before = {name: id(module) for name, module in model.named_modules()}
    merge_adapters(model)
    assert {name: id(module) for name, module in model.named_modules()} == before
