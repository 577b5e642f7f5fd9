"""Trainer's settings: one GPU whatever the machine has, and copies that nothing waits for."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import nn
from transformers import PreTrainedModel, Trainer, TrainingArguments
from transformers.training_args import ParallelMode

from finesweep.config import ModelConfig, TrainingConfig
from finesweep.model import load_model
from finesweep.training.arguments import run_schedule, trainer_arguments


@pytest.fixture
def model(tiny_bert: Path) -> PreTrainedModel:
    config = ModelConfig(name_or_path=str(tiny_bert))
    return load_model(config, label_names=("a", "b", "c"), seed=1)


def with_four_gpus(arguments: TrainingArguments) -> TrainingArguments:
    """The arguments as they are after devices were counted on a machine with four GPUs."""
    assert arguments.device is not None
    arguments._n_gpu = 4
    return arguments


def test_a_run_has_one_gpu_on_a_machine_with_four(model: PreTrainedModel, tmp_path: Path) -> None:
    ours = with_four_gpus(trainer_arguments(TrainingConfig(batch_size=12), str(tmp_path)))
    assert ours.n_gpu == 1
    assert (ours.train_batch_size, ours.parallel_mode) == (12, ParallelMode.NOT_PARALLEL)
    assert Trainer(model=model, args=ours)._wrap_model(model) is model


def test_trainers_own_arguments_would_share_each_batch(
    model: PreTrainedModel, tmp_path: Path
) -> None:
    plain = TrainingArguments(output_dir=str(tmp_path), per_device_train_batch_size=12)
    four = with_four_gpus(plain)
    assert four.train_batch_size == 48
    assert isinstance(Trainer(model=model, args=four)._wrap_model(model), nn.DataParallel)


@pytest.mark.skipif(torch.cuda.is_available(), reason="what a machine without a GPU has")
def test_a_machine_without_a_gpu_has_none(tmp_path: Path) -> None:
    arguments = trainer_arguments(TrainingConfig(), str(tmp_path))
    assert (arguments.n_gpu, arguments.device.type) == (0, "cpu")
    assert not arguments.dataloader_pin_memory
    assert not arguments.accelerator_config.non_blocking
    assert torch.backends.cuda.matmul.fp32_precision != "tf32"


def test_copies_wait_for_nothing_where_there_is_a_gpu(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only what is asked for: a GPU cannot be had here, so devices are not set up."""
    import finesweep.training.arguments as module

    asked: dict[str, object] = {}
    monkeypatch.setattr(module, "OneGpuArguments", lambda **fields: asked.update(fields))
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(module, "is_torch_tf32_available", lambda: True)
    trainer_arguments(TrainingConfig(precision="fp32"), str(tmp_path))
    assert (asked["dataloader_pin_memory"], asked["tf32"]) == (True, True)
    assert asked["accelerator_config"] == {"non_blocking": True}


def test_a_steps_examples_do_not_depend_on_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 4)
    config = TrainingConfig(batch_size=12, gradient_accumulation_steps=2)
    assert run_schedule(config, 96).examples_per_step == 24
