"""The benchmark of the gain from a teacher: what it reports, and what it does not run again."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest


def a_record(seed: int, gain: float) -> dict[str, Any]:
    """A set and seed whose distilled student has this much more accuracy, and less loss."""
    from distillation import Cell

    cell = Cell("own", seed, train=10, max_length=16, epochs=1, temperature=2.0, weight=0.5)
    plain = {"accuracy": 0.5, "loss": 0.7}
    distilled = {"accuracy": 0.5 + gain, "loss": 0.7 - gain}
    scores = {"teacher": plain, "plain": plain, "distilled": distilled}
    return {"cell": vars(cell), "scores": scores, "cpu_seconds": {}}


def test_the_interval_is_students_t_over_paired_differences() -> None:
    from distillation import paired_interval

    mean, low, high = paired_interval([0.01, 0.02, 0.03])
    # t of 2 degrees of freedom at 97.5 % is 4.3027; the standard error is 0.01 / sqrt(3).
    assert mean == pytest.approx(0.02)
    assert (low, high) == pytest.approx((0.02 - 0.024842, 0.02 + 0.024842), abs=1e-5)
    assert paired_interval([0.01])[1:] == (float("-inf"), float("inf"))


def test_what_the_results_hold_is_reported_and_not_run_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import distillation

    results = tmp_path / "results.jsonl"
    records = [a_record(seed, gain) for seed, gain in enumerate((0.01, 0.03))]
    results.write_text("".join(json.dumps(each) + "\n" for each in records))
    sizes = ["--train", "10", "--max-length", "16", "--epochs", "1", "--seeds", "0", "1"]
    monkeypatch.setattr(sys, "argv", ["x", "own", "--results", str(results), *sizes])
    monkeypatch.setattr(distillation, "run", lambda *_: pytest.fail("run again"))
    assert distillation.main() == 0
    printed = capsys.readouterr().out
    assert "own: 2 seeds; accuracy, loss: teacher 0.5000 0.7000; plain 0.5000 0.7000;" in printed
    assert "gain in accuracy (higher is better): +0.0200 (-0.1071 … +0.1471)" in printed
    assert "gain in loss (lower is better): -0.0200" in printed
