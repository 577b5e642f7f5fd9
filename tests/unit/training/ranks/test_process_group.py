"""How many devices a process sees; groups of processes are in unit/runs/ranks/test_followers.py."""

from __future__ import annotations

import pytest
import torch

from finesweep.errors import ConfigError
from finesweep.training.ranks import check_devices, leave


def test_more_devices_than_gpus_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    check_devices(2)
    message = r"^launcher\.devices_per_trial: 3 given; this process sees 2 GPUs$"
    with pytest.raises(ConfigError, match=message):
        check_devices(3)


def test_without_gpus_ranks_are_processes() -> None:
    check_devices(64)
    leave()  # of no group
