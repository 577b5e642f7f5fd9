"""The rates of this machine are measured, each once."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from tests.unit.training.activation_cache.trainings import Loaded

from finesweep.model import freeze_layers
from finesweep.records import Tokens
from finesweep.training.activation_cache.rates import (
    CPU_TOKENS,
    copy_bytes_per_second,
    measured_rates,
    read_bytes_per_second,
)
from finesweep.training.activation_cache.rule import Rates

CPU = torch.device("cpu")


def measured(model: object, tokens: Tokens, n_rows: int, root: Path, **changes: object) -> Rates:
    given = {"longest": CPU_TOKENS // 4, "device": CPU, "dtype": torch.float32, "root": root}
    return measured_rates(model, tokens, np.arange(n_rows), **{**given, **changes})  # type: ignore[arg-type]


def test_a_layer_is_timed_once_for_all_depths_and_batch_sizes(
    loaded: Loaded, tokens: Tokens, tmp_path: Path
) -> None:
    model = loaded(1)
    eight = measured(model, tokens, 8, tmp_path).layer_seconds
    freeze_layers(model, 2)
    assert measured(model, tokens, 32, tmp_path).layer_seconds == 4 * eight > 0
    others = {"dtype": torch.bfloat16}, {"longest": CPU_TOKENS // 2}
    seconds = {measured(model, tokens, 8, tmp_path, **each).layer_seconds for each in others}
    assert len(seconds | {eight}) == 3


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
