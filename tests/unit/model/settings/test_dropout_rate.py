"""One probability for every dropout of a model, whatever the architecture calls it."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from tests.unit.model.settings.conftest import IDS, KINDS, MASK, Load, logits
from torch import nn
from transformers import AutoModelForSequenceClassification, PreTrainedModel

from finesweep.errors import ConfigError
from finesweep.model.settings.dropout_rate import (
    configs_of,
    dropout_numbers,
    set_dropout,
    without_dropout,
)

pytestmark = pytest.mark.slow


def probabilities(model: PreTrainedModel) -> list[float]:
    """Of all dropout modules, and all numbers in modules and configs."""
    modules = [module.p for module in model.modules() if isinstance(module, nn.Dropout)]
    holders = [*model.modules(), *configs_of(model)]
    return modules + [getattr(each, name) for each in holders for name in dropout_numbers(each)]


@pytest.mark.parametrize("kind", [*KINDS, "bart", "modernbert", "xlnet"])
def test_every_dropout_has_the_probability_also_after_saving(
    load: Load, kind: str, tmp_path: Path
) -> None:
    model = load(kind, dropout=0.37)
    assert set(probabilities(model)) == {0.37}
    model.save_pretrained(tmp_path)
    again = AutoModelForSequenceClassification.from_pretrained(tmp_path)
    assert sorted(probabilities(again)) == sorted(probabilities(model))


def test_dropouts_that_the_checkpoint_left_out_are_put_in(load: Load) -> None:
    """ModernBERT has none behind its attention where the rate is 0."""

    def behind_attention(**fields: float) -> list[nn.Module]:
        modules = load("modernbert", **fields).named_modules()
        return [module for name, module in modules if name.endswith("attn.out_drop")]

    for fields in ({}, {"dropout": 0.0}):
        assert [*map(type, behind_attention(**fields))] == [nn.Identity] * 3
    assert [*map(type, behind_attention(dropout=0.37))] == [nn.Dropout] * 3


def test_putting_them_in_draws_no_random_numbers(load: Load) -> None:
    model = load("modernbert")
    before = torch.get_rng_state()
    set_dropout(model, 0.37, name="it")
    assert torch.equal(torch.get_rng_state(), before)


def test_without_a_value_the_checkpoint_keeps_its_own(load: Load) -> None:
    assert set(probabilities(load("bert"))) == {0.1}
    load("bert", dropout=0.5)
    assert set(probabilities(load("bert"))) == {
        0.1
    }  # the one that is kept in memory is not changed


@pytest.mark.parametrize("kind", ["bert", "distilbert", "gpt2", "modernbert"])
def test_it_is_what_drops_in_training(load: Load, kind: str) -> None:
    def spread(dropout: float) -> float:
        model = load(kind, dropout=dropout).train()
        with torch.no_grad():
            one, other = (model(input_ids=IDS, attention_mask=MASK).logits for _ in range(2))
        return float((one - other).abs().max())

    assert spread(0.0) == 0
    assert spread(0.5) > 0


def test_a_value_changes_nothing_else(load: Load) -> None:
    for kind in ("bert", "modernbert"):
        assert torch.equal(logits(load(kind, dropout=0.5)), logits(load(kind)))


def test_a_model_without_dropout_is_refused() -> None:
    class Plain(nn.Linear):
        pass

    message = r"^model\.dropout: 0\.1 given; it has no dropout: only null is possible$"
    with pytest.raises(ConfigError, match=message):
        set_dropout(Plain(2, 2), 0.1, name="it")


def test_fields_of_a_config_can_be_had_without_dropout() -> None:
    fields = {
        0: "a",
        "hidden_size": 4,
        "attn_pdrop": 0.1,
        "part": {"dropout_rate": 0.1, "layers": 2},
    }
    assert without_dropout(fields) == {0: "a", "hidden_size": 4, "part": {"layers": 2}}
