"""The rates of this machine are measured, each once."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np
import torch
from tests.unit.training.activation_cache.trainings import Loaded
from transformers import PreTrainedModel

from finesweep.model import freeze_layers
from finesweep.records import Tokens
from finesweep.training.activation_cache.rates import (
    copy_bytes_per_second,
    measured_rates,
    read_bytes_per_second,
)
from finesweep.training.activation_cache.rule import Rates
from finesweep.training.truncation import template_of

CPU = torch.device("cpu")


def measured(model: PreTrainedModel, tokens: Tokens, n_rows: int, root: Path) -> Rates:
    return measured_rates(
        model, tokens, 0, n_rows=n_rows, device=CPU, dtype=torch.float32, root=root
    )


def test_a_layer_is_timed_once_for_all_depths_and_batch_sizes(
    loaded: Loaded, tokens: Tokens, tmp_path: Path
) -> None:
    model = loaded(1)
    sixteen = measured(model, tokens, 16, tmp_path).layer_seconds
    freeze_layers(model, 2)
    assert measured(model, tokens, 64, tmp_path).layer_seconds == 4 * sixteen > 0


def test_another_precision_or_length_is_timed_anew(
    loaded: Loaded, tokens: Tokens, tmp_path: Path
) -> None:
    model, lengths = loaded(1), template_of(tokens).lengths(tokens.train)
    measure = partial(measured_rates, model, tokens, n_rows=16, device=CPU, root=tmp_path)
    cases = [
        (0, torch.float32),
        (0, torch.bfloat16),
        (int(np.argmax(lengths != lengths[0])), torch.float32),
    ]
    found = {measure(row, dtype=dtype).layer_seconds for row, dtype in cases}
    assert len(found) == len(cases)


def test_memory_is_read_at_a_plausible_speed_and_timed_once(tmp_path: Path) -> None:
    speed = read_bytes_per_second(tmp_path / "new")
    assert 1e8 < speed < 1e12
    assert read_bytes_per_second(tmp_path / "new") == speed
    assert list((tmp_path / "new").iterdir()) == []


def test_a_cpu_copies_nothing_and_has_no_memory_of_its_own(
    loaded: Loaded, tokens: Tokens, tmp_path: Path
) -> None:
    assert copy_bytes_per_second(CPU) == float("inf")
    rates = measured(loaded(1), tokens, 4, tmp_path)
    assert (rates.device, rates.device_free_bytes) == ("cpu", 0)
    assert rates.host_free_bytes > 0
    assert rates.disk_free_bytes > 0
