"""Random kills in small: the benchmark that shows them at length."""

from __future__ import annotations

import tempfile
from importlib import import_module
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow
BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


def test_random_kills_leave_each_slot_finished_exactly_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    few = ("--seed", "3", "--kills", "3", "--slots", "4", "--workers", "2")
    short = ("--pause", "1", "2", "--epochs", "6", "10", "--warm")
    code = import_module("chaos").main([*few, *short])
    printed = capsys.readouterr().out
    assert code == 0, printed
    assert "slots finished exactly once             4 of 4" in printed
