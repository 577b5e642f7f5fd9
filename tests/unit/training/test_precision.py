"""The format of `auto` on a CPU: native, and faster than fp32."""

from __future__ import annotations

import pytest
import torch

from finesweep.training import is_native, resolve_precision
from finesweep.training.precision import bf16_speed

pytestmark = pytest.mark.skipif(torch.cuda.is_available(), reason="what a CPU does")


@pytest.mark.parametrize(
    ("avx512", "amx", "speed", "chosen"),
    [
        (False, False, 5.0, "fp32"),
        (True, False, 0.7, "fp32"),
        (True, False, 2.0, "bf16"),
        (False, True, 4.0, "bf16"),
    ],
)
def test_auto_is_bf16_where_the_cpu_multiplies_it_faster(
    monkeypatch: pytest.MonkeyPatch, avx512: bool, amx: bool, speed: float, chosen: str
) -> None:
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: avx512)
    monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: amx)
    monkeypatch.setattr("finesweep.training.precision.bf16_speed", lambda: speed)
    assert resolve_precision("auto") == chosen
    assert is_native("bf16") == (avx512 or amx)


def test_what_is_asked_for_is_not_timed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("finesweep.training.precision.bf16_speed", None)
    assert [resolve_precision(each) for each in ("fp32", "bf16")] == ["fp32", "bf16"]


def test_the_speed_is_that_of_this_cpu() -> None:
    assert 0.001 < bf16_speed() < 100
    assert bf16_speed() == bf16_speed()


def test_every_machine_has_fp32_and_no_cpu_fp16() -> None:
    assert is_native("fp32")
    assert not is_native("fp16")
