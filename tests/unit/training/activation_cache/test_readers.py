"""States are the same wherever they are read from."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from finesweep.training.activation_cache.readers import DeviceReader, Reader, reader
from finesweep.training.activation_cache.rule import Place
from finesweep.training.activation_cache.state_file import StateFile, allocate, open_files

DEVICE = torch.device("cpu")
LENGTHS = {"train": np.array([2, 1, 3, 3])}
VALUES = torch.arange(1.0, 37.0).reshape(3, 3, 4)
ROWS = np.array([3, 0, 1])
PLACES: tuple[Place, ...] = ("device", "pinned", "disk")


@pytest.fixture(params=[torch.float32, torch.bfloat16], ids=str)
def file(tmp_path: Path, request: pytest.FixtureRequest) -> StateFile:
    """Three of four rows are there, of 3, 2 and 1 tokens."""
    folder = allocate(tmp_path / "k", LENGTHS, 4, request.param)
    made = open_files(folder, LENGTHS, 4, request.param)["train"]
    made.write(ROWS, VALUES)
    return made


def read(source: Reader, rows: list[int], width: int = 3) -> torch.Tensor:
    return source.read(torch.tensor(rows), width).clone()


@pytest.mark.parametrize("place", PLACES)
def test_states_are_read_in_the_dtype_of_their_file(file: StateFile, place: Place) -> None:
    states = read(reader(file, place, DEVICE), [1, 3], width=4)
    assert states.dtype == file.states.dtype
    assert states[1].tolist() == [*VALUES[0].tolist(), [0.0] * 4]
    assert states[0].tolist() == [VALUES[2, 0].tolist(), *[[0.0] * 4] * 3]


@pytest.mark.parametrize("place", PLACES)
def test_one_batch_stays_while_the_next_is_read(file: StateFile, place: Place) -> None:
    source = reader(file, place, DEVICE)
    batch = source.read(torch.tensor([3]), 3)
    source.read(torch.tensor([0, 1]), 3)
    assert batch[0].tolist() == VALUES[0].tolist()


@pytest.mark.parametrize("place", PLACES)
def test_what_is_written_is_in_the_file_too(file: StateFile, place: Place) -> None:
    source = reader(file, place, DEVICE)
    assert source.has(np.array([2, 3])).tolist() == [False, True]
    assert not source.is_complete
    source.write(np.array([2]), 2 * VALUES[:1])
    assert source.is_complete
    assert file.has(np.array([2])).all()
    for each in (source, reader(file, "disk", DEVICE)):
        assert read(each, [2])[0].tolist() == (2 * VALUES[0]).tolist()


@pytest.mark.parametrize("place", PLACES)
def test_rows_that_another_process_computes_are_found(file: StateFile, place: Place) -> None:
    source = reader(file, place, DEVICE)
    file.write(np.array([2]), 2 * VALUES[:1])  # as the other one does
    assert source.has(np.array([2, 3])).all()
    assert read(source, [2])[0].tolist() == (2 * VALUES[0]).tolist()


def test_the_device_reads_no_file_once_all_rows_are_there(file: StateFile) -> None:
    source = reader(file, "device", DEVICE)
    assert isinstance(source, DeviceReader)
    file.states.zero_()
    assert read(source, [3])[0].tolist() == VALUES[0].tolist()
