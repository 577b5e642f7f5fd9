"""A training step does not wait for the device: no value of a tensor is read back.

Counted on a CPU, where reads cost nothing: on a GPU the host waits at each until all queued work
is done. Dropout is off, because on a CPU it draws its masks by other means.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import torch
from tests.unit.training.activation_cache.trainings import PAYING
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode

from finesweep.config import ModelConfig, TrainingConfig
from finesweep.model import freeze_layers, load_model
from finesweep.records import Objective, Tokens
from finesweep.training import fit, plan_activations
from finesweep.training.activation_cache.rule import Place

pytestmark = pytest.mark.slow  # real trainings

CALLS = {torch.Tensor.cpu, torch.Tensor.numpy, torch.Tensor.tolist}
OPERATIONS = {
    torch.ops.aten._local_scalar_dense.default,
    torch.ops.aten.nonzero.default,
    torch.ops.aten.equal.default,
}
"""Of C++ code too; on a CPU the calls above are no operations."""


EPOCH = 24
"""Optimizer steps."""
FIRST_STEPS = (1, EPOCH + 1)
"""Before these an epoch begins: the seed of its order, which is on the CPU, is read."""


class Reads:
    """Counts what the host reads of tensors, by name, in the current step."""

    def __init__(self) -> None:
        self.now: Counter[str] = Counter()
        self.of_steps: list[Counter[str]] = []

    def next_step(self) -> None:
        self.of_steps.append(self.now)
        self.now = Counter()


class Calls(TorchFunctionMode):
    def __init__(self, reads: Reads) -> None:
        super().__init__()
        self.reads = reads

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func in CALLS:
            self.reads.now[func.__name__] += 1
        return func(*args, **(kwargs or {}))


class Operations(TorchDispatchMode):
    def __init__(self, reads: Reads) -> None:
        super().__init__()
        self.reads = reads

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func in OPERATIONS:
            self.reads.now[str(func)] += 1
        return func(*args, **(kwargs or {}))


def reads_of_steps(
    tiny_bert: Path, tokens: Tokens, *, cache: Path | None = None, place: Place = "disk"
) -> list[Counter[str]]:
    """What each optimizer step of a run reads; evaluations come after the last one of an epoch."""
    config = TrainingConfig(batch_size=4, epochs=2, evaluations_per_epoch=1, precision="fp32")
    model = load_model(
        ModelConfig(name_or_path=str(tiny_bert)), label_names=("bad", "good", "plain"), seed=1
    )
    model.config.attention_probs_dropout_prob = 0.0
    for module in model.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.0
    activations = None
    if cache is not None:
        freeze_layers(model, 2)
        activations, plan = plan_activations(
            model, tokens, config, root=cache, cache_gb=1.0, shared=True, rates=PAYING[place]
        )
        assert plan.place == place
    reads = Reads()
    with Calls(reads), Operations(reads):
        fit(
            model,
            tokens,
            config,
            objective=Objective("validation/loss", "minimize"),
            on_evaluation=lambda evaluation: reads.now.clear(),
            on_step=lambda seen, total: reads.next_step(),
            activation_cache=activations,
        )
    return reads.of_steps


def test_a_step_reads_nothing_and_every_sixteenth_reads_the_losses(
    tiny_bert: Path, tokens: Tokens
) -> None:
    steps = reads_of_steps(tiny_bert, tokens)
    assert len(steps) == 2 * EPOCH
    losses = [16, 24, 40, 48]  # every 16 steps, and before the evaluations after 24 and 48
    reading = [number for number, reads in enumerate(steps, start=1) if reads]
    assert [n for n in reading if n not in FIRST_STEPS] == losses
    assert all(steps[n - 1] == Counter(tolist=1) for n in losses)


@pytest.mark.parametrize(
    ("place", "own"),
    [("device", {"aten.nonzero.default": 1}), ("disk", {"aten.nonzero.default": 1, "cpu": 1})],
)
def test_a_step_from_cached_activations_reads_nothing_of_the_device(
    tiny_bert: Path, tokens: Tokens, tmp_path: Path, place: Place, own: dict[str, int]
) -> None:
    """It looks for padding in states on a CPU only, and the batch's rows are on the CPU already."""
    steps = reads_of_steps(tiny_bert, tokens, cache=tmp_path, place=place)
    losses = [24 + 16, 24 + 24]
    second = {n: steps[n - 1] for n in range(EPOCH + 2, 2 * EPOCH + 1) if n not in losses}
    assert all(each == Counter(own) for each in second.values())
