"""The cache of a training is planned before it is made."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest
from tests.unit.training.activation_cache.trainings import PAYING, TRAINING, Loaded

from finesweep.caches import size_bytes
from finesweep.model import frozen_depth
from finesweep.records import Tokens
from finesweep.training import plan_activations


@pytest.mark.parametrize(("depth", "frozen"), [(0, 0), (1, 1), (2, 2), ("all", None)])
def test_the_depth_is_read_off_the_model(
    loaded: Loaded, depth: int | str, frozen: int | None
) -> None:
    model = loaded(depth)
    wanted = model.config.num_hidden_layers if frozen is None else frozen
    assert frozen_depth(model) == wanted


def test_a_disk_that_fills_before_the_states_are_made_switches_them_off(
    loaded: Loaded, tokens: Tokens, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*given: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "posix_fallocate", full)
    made, plan = plan_activations(
        loaded(1), tokens, TRAINING, root=tmp_path, cache_gb=1, shared=True, rates=PAYING["disk"]
    )
    assert made is None
    assert str(plan) == "off: [Errno 28] No space left on device"
    assert not list((tmp_path / "activations").glob("*/"))


def test_the_disk_is_taken_when_the_states_are_made(
    loaded: Loaded, tokens: Tokens, tmp_path: Path
) -> None:
    _, plan = plan_activations(
        loaded(1), tokens, TRAINING, root=tmp_path, cache_gb=1, shared=True, rates=PAYING["disk"]
    )
    (entry,) = (tmp_path / "activations").glob("*/")
    assert size_bytes(entry) >= plan.n_bytes
