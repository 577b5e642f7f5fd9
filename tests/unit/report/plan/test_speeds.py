"""A model's speed follows from a few measured configurations, and places are those of batches."""

from __future__ import annotations

import numpy as np
import pytest
from tests.unit.report.plan.made import config, warmed

from finesweep.config import Config
from finesweep.report.plan.places import MAX_ROWS, row_lengths
from finesweep.report.plan.speeds import Speeds, measure
from finesweep.report.plan.warmup import WarmUp
from finesweep.training import ActivationPlan
from finesweep.training.batches import GroupedByLength


def test_what_is_measured_are_three_lengths_and_the_ends_of_depth_and_batch() -> None:
    drawn = [
        config(max_length=length, freeze_layers=depth, batch_size=size)
        for length, depth, size in ((8, 2, 16), (10, 0, 32), (9, "all", 8), (7, 1, 8), (6, 0, 8))
    ]
    asked: list[tuple[int, int | str, int]] = []

    def warm_up(each: Config) -> WarmUp:
        asked.append((each.dataset.max_length, each.model.freeze_layers, each.training.batch_size))
        return warmed(each)

    measure(drawn, warm_up)
    assert asked == [(6, 0, 32), (8, 0, 32), (10, 0, 32), (10, "all", 32), (10, 0, 8)]


def test_training_takes_its_tokens_and_evaluations() -> None:
    speeds = Speeds((warmed(config()),), None, None)
    # 1,000 tokens in training for each epoch, and in each evaluation at half the time.
    assert speeds.training_seconds(config()) == pytest.approx(1.0 + 0.5)
    assert speeds.training_seconds(config(epochs=3)) == pytest.approx(3 * 1.5)
    assert speeds.training_seconds(config(evaluations=4)) == pytest.approx(1.0 + 4 * 0.5)
    assert speeds.trial_seconds(config()) == pytest.approx(1.5 + 1.0, abs=1e-3)


def test_between_two_lengths_depths_and_batches_it_is_interpolated() -> None:
    short = warmed(config(max_length=6), training_seconds_per_token=0.003)
    deep, small = config(freeze_layers=4), config(batch_size=5)
    speeds = Speeds(
        by_length=(short, warmed(config())),
        deepest=warmed(deep),
        smallest=warmed(small, training_seconds_per_token=0.003),
    )
    evaluation = 0.5
    assert speeds.training_seconds(config(max_length=8)) == pytest.approx(0.8 * (2.0 + evaluation))
    assert speeds.training_seconds(config(freeze_layers=2)) == pytest.approx(0.75 + evaluation)
    # Halfway between 1/10 and 1/5 of a row.
    assert speeds.training_seconds(config(batch_size=7)) == pytest.approx(
        1.0 * (1 + 2 * (1 / 7 - 1 / 10) / (1 / 10)) + evaluation
    )


def test_cached_layers_are_computed_once() -> None:
    deep = config(freeze_layers=4)
    cached = warmed(deep, activations=ActivationPlan(4, "disk", "pays", n_bytes=640))
    speeds = Speeds((warmed(config()),), cached, None)
    plain = Speeds((warmed(config()),), warmed(deep), None)
    of = config(freeze_layers=2, epochs=3)
    # Half of the forward passes over 2 * 1,000 tokens, after the first over both splits.
    saved = plain.training_seconds(of) - speeds.training_seconds(of)
    assert saved == pytest.approx(0.5 * 0.0005 * (3000 + 3000 - 2000))
    assert (speeds.activation_bytes(of), plain.activation_bytes(of)) == (640, 0)
    assert speeds.activation_bytes(config(freeze_layers=0)) == 0
    assert speeds.activation_bytes(config(freeze_layers=4, max_length=5)) == 320


def test_pruning_rows_shorten_the_evaluations_within_an_epoch() -> None:
    speeds = Speeds((warmed(config()),), None, None)
    sampled = config(evaluations=3)
    sampled.training.pruning_rows = 10
    assert speeds.training_seconds(sampled) == pytest.approx(1.0 + 0.5 * (1 + 2 * 0.1))


@pytest.mark.parametrize(("row_bytes", "largest"), [(100, 64), (2000, 2), (9000, 1), (1, 64)])
def test_the_largest_batch_is_a_power_of_two_that_fits(row_bytes: int, largest: int) -> None:
    assert warmed(config(), row_bytes=row_bytes).largest_batch == largest


def test_places_are_those_of_the_batches_that_training_draws() -> None:
    lengths = np.random.default_rng(0).integers(3, 40, size=103)
    order = np.fromiter(GroupedByLength(lengths, batch_size=8, seed=0), int)
    batches = [lengths[order[start : start + 8]] for start in range(0, 103, 8)]
    expected = sum(len(batch) * int(batch.max()) for batch in batches)
    rows = row_lengths(lengths)
    assert rows.training_places(40, 8) == expected
    assert lengths.sum() <= rows.evaluation_places(40, 8) <= expected
    assert rows.training_places(10, 8) <= 103 * 10
    assert rows.n_tokens(5) == np.minimum(lengths, 5).sum()


def test_a_large_split_is_represented_by_some_of_its_rows() -> None:
    rows = row_lengths(np.full(5 * MAX_ROWS, 4))
    assert len(rows.sample) == MAX_ROWS
    assert rows.evaluation_places(4, 16) == 5 * MAX_ROWS * 4
