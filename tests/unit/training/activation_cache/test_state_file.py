"""Files of states: a row is there only after it was written."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from finesweep.training.activation_cache.state_file import StateFile, allocate, open_files

LENGTHS = {"train": np.array([2, 1, 3])}


def opened(folder: Path, dtype: torch.dtype) -> StateFile:
    return open_files(allocate(folder, LENGTHS, 4, dtype), LENGTHS, 4, dtype)["train"]


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
def test_a_row_is_there_only_after_it_was_written(tmp_path: Path, dtype: torch.dtype) -> None:
    file, rows = opened(tmp_path / "k", dtype), np.array([2, 0])
    assert not file.has(rows).any()
    values = torch.arange(24.0).reshape(2, 3, 4)
    file.write(rows, values)
    other = opened(tmp_path / "k", dtype)  # as another process has it
    assert other.has(np.array([0, 1, 2])).tolist() == [True, False, True]
    assert other.states.dtype == dtype
    assert other.states[3:].tolist() == values[0].tolist()
    assert other.states[:3].tolist() == [*values[1, :2].tolist(), [0.0] * 4]
