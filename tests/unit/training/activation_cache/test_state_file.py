"""Files of states: a row is there only after it was written."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from finesweep.training.activation_cache.state_file import allocate, open_files


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
def test_a_row_is_there_only_after_it_was_written(tmp_path: Path, dtype: torch.dtype) -> None:
    lengths = {"train": np.array([2, 1, 3])}
    folder = allocate(tmp_path / "k", lengths, 4, dtype)
    store, rows = open_files(folder, lengths, 4, dtype)["train"], np.array([2, 0])
    assert not store.has(rows).any()
    values = torch.arange(24.0).reshape(2, 3, 4)
    store.write(rows, values)
    assert store.has(np.array([0, 1, 2])).tolist() == [True, False, True]
    read = store.read(rows, 3)
    assert read.dtype == torch.float32
    assert read[0].tolist() == values[0].tolist()
    assert read[1].tolist() == [*values[1, :2].tolist(), [0.0] * 4]
