"""A grid has every point of the search space once, in an order that stays."""

from __future__ import annotations

import pytest
from tests.unit.sweep.study.sampling.spaces import DEPTH, EPOCHS, N_POINTS, RATE, plan_with

from finesweep.errors import ConfigError
from finesweep.sweep.study.sampling.grid import MAX_POINTS, points


@pytest.mark.parametrize("sampler", ["GridSampler", "BruteForceSampler"])
def test_a_grid_has_each_combination_once_and_conditions_where_they_hold(sampler: str) -> None:
    found = points(plan_with(sampler))
    assert len(found) == len({repr(sorted(point.items())) for point in found}) == N_POINTS
    minilm = [point for point in found if point["model"] == "minilm"]
    assert {point[f"{DEPTH}|model=minilm"] for point in minilm} == {0, 3, 6}
    assert {point[RATE] for point in minilm} == {1e-5, 1e-4}
    distil = [point for point in found if point["model"] == "distil_minilm"]
    assert {tuple(point) for point in distil} == {
        ("model", RATE, EPOCHS, f"{DEPTH}|model=distil_minilm")
    }


def test_the_order_is_that_of_the_seed() -> None:
    first, again, other = (points(plan_with(f"GridSampler, seed: {seed}")) for seed in (7, 7, 8))
    assert first == again != other
    assert [point["model"] for point in first[:10]] != ["minilm"] * 10
    assert points(plan_with("GridSampler, seed: null")) == points(
        plan_with("GridSampler, seed: null")
    )


def test_ranges_have_the_values_that_hydra_gives_them() -> None:
    plan = plan_with(
        "GridSampler",
        "training.weight_decay=range(0.0, 0.35, 0.1)",
        "training.batch_size=tag(log, range(1, 5))",
        "dataset.max_length=int(interval(30, 32))",
        "training.label_smoothing=choice(0.1, 0.0, 0.1)",
    )
    found = points(plan)
    assert {p["training.weight_decay"] for p in found} == {0.0, 0.1, 0.2, 0.3}
    assert {p["training.batch_size"] for p in found} == {1, 2, 3, 4}
    assert {p["dataset.max_length"] for p in found} == {30, 31, 32}
    assert len(found) == N_POINTS * 4 * 4 * 3 * 2


def test_dimensions_without_single_values_are_named_together() -> None:
    plan = plan_with(
        "BruteForceSampler",
        "training.learning_rate=tag(log, interval(1e-5, 1e-3))",
        "training.weight_decay=interval(0.0, 0.1)",
    )
    with pytest.raises(ConfigError) as caught:
        points(plan)
    assert [str(problem) for problem in caught.value.problems] == [
        "training.learning_rate: tag(log, interval(1e-05, 0.001)) has infinitely many values, and "
        "BruteForceSampler tries each; write choice(1e-05, 0.0001, 0.001)",
        "training.weight_decay: interval(0.0, 0.1) has infinitely many values, and "
        "BruteForceSampler tries each; write choice(0, 0.05, 0.1)",
    ]


def test_a_grid_beside_the_search_space_or_too_large_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"^sweep\.sampler\.search_space: the grid is that of th"):
        points(plan_with("GridSampler, search_space: {training.epochs: [1]}"))
    large = plan_with("GridSampler", "training.seed=range(0, 1000001)")
    message = rf"^sweep\.sampler: the grid has 20,000,020 points, more than {MAX_POINTS:,}"
    with pytest.raises(ConfigError, match=message):
        points(large)
