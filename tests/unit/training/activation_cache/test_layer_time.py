"""One layer's forward pass is timed without changing the model."""

from __future__ import annotations

import pytest
import torch
from tests.unit.training.activation_cache.trainings import Loaded
from transformers import PreTrainedModel

from finesweep.model import anatomy_of
from finesweep.training.activation_cache.layer_time import layer_seconds

CPU = torch.device("cpu")


def timed(model: PreTrainedModel, n_rows: int, *, dtype: torch.dtype = torch.float32) -> float:
    ids = torch.full((n_rows, 32), 7)
    inputs = {"input_ids": ids, "attention_mask": torch.ones_like(ids)}
    return layer_seconds(model, inputs, device=CPU, dtype=dtype)


def test_more_rows_take_longer(loaded: Loaded) -> None:
    model = loaded(1)
    assert timed(model, 256) > 4 * timed(model, 4) > 0


def test_it_is_the_lowest_layer_that_runs_and_none_above(loaded: Loaded) -> None:
    model, ran = loaded(1), []
    for names in anatomy_of(model).layers:
        module = model.get_submodule(names[-1])
        module.register_forward_pre_hook(lambda module, _: ran.append((module, module.training)))
    model.train()
    timed(model, 2)
    lowest = model.get_submodule(anatomy_of(model).layers[0][-1])
    assert set(ran) == {(lowest, False)}  # as it runs when frozen
    assert all(module.training for module in model.modules())


def test_the_precision_is_that_of_training(loaded: Loaded) -> None:
    model, dtypes = loaded(1), set()
    first = anatomy_of(model).layers[0][0]
    linear = next(
        each for each in model.get_submodule(first).modules() if isinstance(each, torch.nn.Linear)
    )
    linear.register_forward_hook(lambda *given: dtypes.add(given[2].dtype))
    for dtype in (torch.float32, torch.bfloat16):
        timed(model, 2, dtype=dtype)
        assert dtypes == {dtype}
        dtypes.clear()


@pytest.mark.parametrize("device", [torch.device("meta")])
def test_all_that_runs_is_copied_to_the_device(loaded: Loaded, device: torch.device) -> None:
    """The device that trains, where the model is not yet."""
    model, found = loaded(1), set()
    layer = model.get_submodule(anatomy_of(model).layers[0][-1])
    layer.register_forward_hook(lambda *given: found.add(given[2].device))
    ids = torch.full((2, 32), 7, device=device)
    layer_seconds(model, {"input_ids": ids}, device=device, dtype=torch.float32)
    assert found == {device}
    assert {parameter.device for parameter in model.parameters()} == {CPU}
