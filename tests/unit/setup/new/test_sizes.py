"""Sizes of a new sweep for rows and hardware."""

from __future__ import annotations

import numpy as np
import pytest

from finesweep.setup.new.hardware import FROM_HUB, PACKAGED, Hardware
from finesweep.setup.new.sizes import MAX_TRIAL_SECONDS, Sizes, carved_size, sizes_for

TWO_CORES, ONE_GPU = Hardware(n_cores=2, n_gpus=0), Hardware(n_cores=8, n_gpus=1)
SHORT, LONG = np.array([10, 12, 20, 30]), np.array([300, 400, 900])


def sizes(n_rows: int, tokens: np.ndarray = SHORT, hardware: Hardware = TWO_CORES) -> Sizes:
    return sizes_for({"train": n_rows}, tokens, PACKAGED, hardware)


def test_few_rows_get_more_epochs_and_smaller_batches() -> None:
    few, some, many = sizes(100), sizes(3_000), sizes(200_000, hardware=ONE_GPU)
    assert [each.epochs for each in (few, some, many)] == [(2, 6), (1, 4), (1, 2)]
    assert [each.batch_size for each in (few, some, many)] == [8, 32, 32]


def test_the_lengths_cover_the_texts() -> None:
    assert sizes(600).max_lengths == (24, 32)
    assert sizes(600, np.array([10])).max_lengths == (16,)
    assert sizes(600).truncated == 0.0


def test_a_cpu_gets_shorter_texts_than_a_gpu() -> None:
    on_cpu, on_gpu = sizes(600, LONG), sizes(600, LONG, ONE_GPU)
    assert (on_cpu.max_lengths, on_cpu.truncated) == ((64, 128), 1.0)
    assert on_gpu.max_lengths == (256, 512)
    assert on_gpu.truncated == pytest.approx(1 / 3)


def test_a_small_file_is_searched_by_trials_and_a_big_one_by_time() -> None:
    small, big = sizes(600), sizes(1_000_000)
    assert (small.n_trials, small.train_size) == (20, None)
    assert big.n_trials is None
    assert big.minutes == 60
    assert big.train_size is not None
    assert 500 <= big.train_size < 100_000


def test_a_bigger_encoder_gets_fewer_rows() -> None:
    bert = sizes_for({"train": 50_000}, SHORT, FROM_HUB, TWO_CORES).train_size
    mini = sizes(50_000).train_size or 50_000
    assert bert is not None
    assert bert < mini / 3
    assert MAX_TRIAL_SECONDS == 300


@pytest.mark.parametrize(
    ("n_rows", "validation", "test"),
    [
        ({"train": 600}, (0.2, 120), (0.2, 120)),
        ({"train": 9_000}, (0.1, 900), (0.1, 900)),
        ({"train": 100_000}, (2_000, 2_000), (5_000, 5_000)),
        ({"train": 100, "validation": 50, "test": 9_000}, (None, 50), (None, 9_000)),
        ({"train": 9_000, "validation": 9_000}, (2_000, 2_000), (0.1, 900)),
    ],
)
def test_splits_of_the_source_are_kept_and_others_are_a_share_of_train(
    n_rows: dict[str, int], validation: tuple[object, int], test: tuple[object, int]
) -> None:
    assert carved_size(n_rows, "validation") == validation  # type: ignore[arg-type]
    assert carved_size(n_rows, "test") == test  # type: ignore[arg-type]
