"""Weights copied out of a model: equal to the bit, in one buffer, and apart from the model's."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import nn

from finesweep.errors import FinesweepError
from finesweep.training.checkpoint.checkpoint_file import read_tree, write_tree
from finesweep.training.checkpoint.weights import copied_weights, copy_weights, trainable_weights


@pytest.fixture
def model() -> nn.Module:
    torch.manual_seed(0)
    made = nn.Sequential(nn.Linear(3, 5), nn.LayerNorm(5), nn.Linear(5, 2).to(torch.bfloat16))
    made[1].requires_grad_(False)
    return made


def test_copies_are_equal_and_keep_dtype_and_shape(model: nn.Module) -> None:
    weights = trainable_weights(model)
    copies = copied_weights(weights)
    assert list(copies) == list(weights) == ["0.weight", "0.bias", "2.weight", "2.bias"]
    for name, weight in weights.items():
        assert (copies[name].dtype, copies[name].requires_grad) == (weight.dtype, False)
        assert torch.equal(copies[name], weight)


def test_later_training_does_not_change_them(model: nn.Module) -> None:
    copies = copied_weights(trainable_weights(model))
    before = {name: copy.clone() for name, copy in copies.items()}
    with torch.no_grad():
        for weight in model.parameters():
            weight.add_(1)
    assert all(torch.equal(copies[name], before[name]) for name in copies)
    copy_weights(copies, model)
    assert all(torch.equal(w, before[name]) for name, w in trainable_weights(model).items())


def test_there_is_one_buffer_for_each_dtype_which_is_used_again(model: nn.Module) -> None:
    first = copied_weights(trainable_weights(model))
    buffers = {copy.untyped_storage().data_ptr() for copy in first.values()}
    assert len(buffers) == 2
    with torch.no_grad():
        model[0].weight.mul_(3)
    again = copied_weights(trainable_weights(model), into=first)
    assert {copy.untyped_storage().data_ptr() for copy in again.values()} == buffers
    assert torch.equal(again["0.weight"], model[0].weight)


def test_copies_of_other_weights_are_not_overwritten(model: nn.Module) -> None:
    other = {"0.weight": torch.zeros(7)}
    copies = copied_weights(trainable_weights(model), into=other)
    assert other["0.weight"].tolist() == [0.0] * 7
    assert torch.equal(copies["0.weight"], model[0].weight)


def test_a_checkpoint_holds_them_and_gives_them_back(model: nn.Module, tmp_path: Path) -> None:
    copies = copied_weights(trainable_weights(model))
    write_tree(tmp_path, {"best_weights": copies})
    read = read_tree(tmp_path)["best_weights"]
    assert list(read) == list(copies)
    assert all(torch.equal(read[name], copies[name]) for name in copies)


def test_weights_of_another_shape_are_refused(model: nn.Module) -> None:
    copies = copied_weights(trainable_weights(model))
    with pytest.raises(FinesweepError, match=r"^the weights belong to a model of another shape"):
        copy_weights(copies, nn.Sequential(nn.Linear(3, 4)))
