"""The optimizer's groups: a rate for each layer, weight decay as before, exact after a resume."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import PreTrainedModel, Trainer
from transformers.optimization import Adafactor

from finesweep.config import ModelConfig, TrainingConfig
from finesweep.model import anatomy_of, freeze_layers, layer_factors, load_model
from finesweep.training.arguments import trainer_arguments
from finesweep.training.optimization.param_groups import restored_groups, split_by_layer

pytestmark = pytest.mark.slow
RATE, DECAY = 1e-3, 0.5


@pytest.fixture(params=[0, 2], ids=["whole", "frozen"])
def model(request: pytest.FixtureRequest, tiny_bert: Path) -> PreTrainedModel:
    config = ModelConfig(name_or_path=str(tiny_bert))
    model = load_model(config, label_names=("a", "b", "c"), seed=1)
    freeze_layers(model, request.param)
    return model


def optimizer_of(model: PreTrainedModel, folder: Path, **fields: Any) -> torch.optim.Optimizer:
    """As Trainer makes it for a config."""
    config = TrainingConfig(learning_rate=RATE, weight_decay=0.1, **fields)
    arguments = trainer_arguments(config, str(folder))
    optimizer: torch.optim.Optimizer = Trainer(model=model, args=arguments).create_optimizer()
    return optimizer


def settings(optimizer: torch.optim.Optimizer, model: PreTrainedModel) -> Mapping[str, Any]:
    """Parameter → its rate and weight decay."""
    names = {id(parameter): name for name, parameter in model.named_parameters()}
    return {
        names[id(parameter)]: (group["lr"], group["weight_decay"])
        for group in optimizer.param_groups
        for parameter in group["params"]
    }


@pytest.mark.parametrize("optimizer", ["adamw", "adafactor"])
def test_each_layer_has_its_rate_and_the_weight_decay_that_it_had(
    model: PreTrainedModel, tmp_path: Path, optimizer: str
) -> None:
    made = optimizer_of(model, tmp_path, optimizer=optimizer)
    before = settings(made, model)
    split_by_layer(made, model, decay=DECAY)
    factors = layer_factors(anatomy_of(model), DECAY)
    trained = {name for name, p in model.named_parameters() if p.requires_grad}
    expected = {name: (RATE * factors[name], decay) for name, (_, decay) in before.items()}
    assert settings(made, model) == expected
    assert expected.keys() == trained
    assert {decay for _, decay in expected.values()} == {0.0, 0.1}
    assert all(group["params"] for group in made.param_groups)


def test_one_rate_for_all_leaves_the_groups_alone(model: PreTrainedModel, tmp_path: Path) -> None:
    made = optimizer_of(model, tmp_path)
    before = list(made.param_groups)
    split_by_layer(made, model, decay=1.0)
    assert all(one is other for one, other in zip(made.param_groups, before, strict=True))
    assert len(before) == 2


def test_adafactor_takes_the_rate_as_it_is_given(model: PreTrainedModel, tmp_path: Path) -> None:
    made = optimizer_of(model, tmp_path, optimizer="adafactor")
    assert isinstance(made, Adafactor)
    assert {group["lr"] for group in made.param_groups} == {RATE}
    assert not made.defaults["relative_step"]
    assert not made.defaults["scale_parameter"]


@pytest.mark.parametrize("optimizer", ["adamw", "adafactor"])
def test_groups_are_the_same_after_json(
    model: PreTrainedModel, tmp_path: Path, optimizer: str
) -> None:
    groups = optimizer_of(model, tmp_path, optimizer=optimizer).state_dict()["param_groups"]
    saved = json.loads(json.dumps(groups))
    assert saved != groups
    assert restored_groups(saved, groups) == groups
