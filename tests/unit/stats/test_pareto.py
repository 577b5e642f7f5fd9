"""The front of several objectives, and the rules that pick one of it."""

from __future__ import annotations

import pytest

from finesweep.records import Objective
from finesweep.stats.pareto import best_within, knee, pareto_front

LOSS, MS = Objective("loss"), Objective("ms")
F1 = Objective("f1", "maximize")


def table(*rows: tuple[float, ...], names: tuple[str, ...] = ("loss", "ms")) -> dict[int, dict]:
    return {k: dict(zip(names, row, strict=True)) for k, row in enumerate(rows)}


@pytest.mark.parametrize(
    ("rows", "front"),
    [
        ([(0.4, 9), (0.3, 20), (0.5, 12)], [1, 0]),
        ([(0.3, 20), (0.3, 20), (0.3, 21)], [0, 1]),
        ([(0.3, 20), (0.2, 10)], [1]),
        ([], []),
    ],
)
def test_only_candidates_that_none_beats_are_on_the_front(rows: list, front: list[int]) -> None:
    assert pareto_front(table(*rows), [LOSS, MS]) == front


def test_a_maximised_objective_is_better_when_higher() -> None:
    values = table((0.9, 20), (0.8, 10), (0.7, 15), names=("f1", "ms"))
    assert pareto_front(values, [F1, MS]) == [0, 1]


@pytest.mark.parametrize(("distance", "near"), [(0.0, [1]), (0.02, [2, 1]), (0.2, [0, 2, 1])])
def test_the_cheapest_within_a_distance_of_the_best_comes_first(
    distance: float, near: list[int]
) -> None:
    values = table((0.4, 5), (0.3, 20), (0.31, 12))
    assert best_within(values, [LOSS, MS], distance) == near


def test_a_candidate_at_the_distance_is_within_it_whatever_its_last_bit() -> None:
    values = {n: {"loss": n / 100, "ms": float(-n)} for n in range(100)}
    for distance in range(1, 100):
        assert best_within(values, [LOSS, MS], distance / 100)[0] == distance


def test_the_knee_is_where_gaining_begins_to_cost() -> None:
    assert knee(table((0.3, 100), (0.31, 20), (0.6, 10)), [LOSS, MS]) == 1
    # Scales do not count, and neither does an objective in which all are equal.
    assert knee(table((300, 0.1), (310, 0.02), (600, 0.01)), [LOSS, MS]) == 1
    assert knee(table((0.4, 5), (0.3, 5)), [LOSS, MS]) == 1


def test_of_a_front_of_two_the_knee_is_the_best_by_the_first_objective() -> None:
    assert knee(table((0.4, 5), (0.3, 20)), [LOSS, MS]) == 1
