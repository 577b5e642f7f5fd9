"""Enqueued params and the portfolio's take their points of a grid, and none is left out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import pytest
from tests.unit.sweep.study.sampling.spaces import DEPTH, EPOCHS, N_POINTS, RATE, plan_with

from finesweep.config import plain_path
from finesweep.sweep.study.sampling.grid import points
from finesweep.sweep.study.sampling.known_slots import (
    Grid,
    KnownSlot,
    grid_in,
    grid_of,
    known_slots,
)

WHOLE = {"model": "minilm", RATE: 1e-4, EPOCHS: 2, DEPTH: 3}
PARTLY = {"model": "distil_minilm", RATE: 1e-5}


def counted(slots: Sequence[KnownSlot]) -> Counter[str]:
    """Point → number of slots that try it."""
    return Counter(repr(sorted(slot.params.items())) for slot in slots)


def test_without_a_grid_only_what_is_enqueued_or_of_the_portfolio_is_known() -> None:
    plan = plan_with("RandomSampler", enqueued=(PARTLY,))
    first, second = known_slots(plan, [{RATE: 1e-4}])
    assert (first.params, first.values, first.origin) == (PARTLY, PARTLY, "enqueued")
    assert (second.params, second.origin) == ({RATE: 1e-4}, "portfolio")
    assert grid_of(plan) is None


def test_what_is_given_comes_first_and_each_point_is_tried_once() -> None:
    plan = plan_with(enqueued=(PARTLY, WHOLE))
    slots = known_slots(plan, [{"model": "minilm", RATE: 1e-4}])
    assert [slot.origin for slot in slots[:4]] == ["enqueued"] * 2 + ["portfolio", "sampler"]
    assert slots[0].values.items() >= PARTLY.items()
    assert set(slots[0].values) == {"model", RATE, EPOCHS, DEPTH}  # completed to a point
    assert slots[1].values == WHOLE
    assert slots[2].values.items() >= {"model": "minilm", RATE: 1e-4}.items()
    assert counted(slots) == Counter(repr(sorted(p.items())) for p in points(plan))
    assert grid_of(plan) == Grid(N_POINTS, [])


def test_the_points_that_nobody_gave_stay_in_their_order() -> None:
    plan = plan_with(enqueued=(WHOLE,))
    plain = [{plain_path(name): v for name, v in point.items()} for point in points(plan)]
    order = [values for values in plain if values != WHOLE]
    assert [slot.values for slot in known_slots(plan)[1:]] == order


@pytest.mark.parametrize(
    ("outside", "n_beside"),
    [({"training.warmup_ratio": 0.3}, 1), ({"dataset.max_length": 32}, 0)],
    ids=["another value", "the sweep's own value"],
)
def test_a_setting_outside_the_search_space_is_a_trial_beside_the_grid(
    outside: dict[str, Any], n_beside: int
) -> None:
    plan = plan_with(enqueued=(WHOLE | outside,))
    slots = known_slots(plan)
    assert slots[0].values == WHOLE | outside
    assert max(counted(slots).values()) == 1 + n_beside
    grid = grid_of(plan)
    assert grid is not None
    assert (grid.n_points, grid.n_slots) == (N_POINTS, len(slots))
    assert list(grid.beside) == [0] * n_beside
    assert grid_in({"grid": {"n_points": grid.n_points, "beside": list(grid.beside)}}) == grid


def test_beside_the_grid_a_model_outside_the_space_has_its_own_depths() -> None:
    plan = plan_with("GridSampler", "model=minilm", enqueued=({"model": "distil_minilm"},))
    first, *others = known_slots(plan)
    assert first.values["model"] == "distil_minilm"
    assert first.values[DEPTH] in (0, 2)
    assert f"{DEPTH}|model=distil_minilm" in first.params
    assert {slot.values[DEPTH] for slot in others} == {0, 3, 6}
    assert grid_of(plan) == Grid(2 * 2 * 3, [0])


def test_a_setting_leaves_points_to_those_with_less_choice() -> None:
    enqueued = ({"model": "minilm", RATE: 1e-4, EPOCHS: 2}, WHOLE)
    slots = known_slots(plan_with(enqueued=enqueued))
    assert slots[1].values == WHOLE != slots[0].values
    assert set(counted(slots).values()) == {1}


def test_a_portfolio_setting_whose_point_is_taken_is_not_tried_again() -> None:
    slots = known_slots(plan_with(enqueued=(WHOLE,)), [WHOLE, PARTLY])
    assert [slot.origin for slot in slots[:3]] == ["enqueued", "portfolio", "sampler"]
    assert set(counted(slots).values()) == {1}


def test_a_depth_without_a_model_is_of_whichever_model_has_it() -> None:
    (first, *_) = known_slots(plan_with(enqueued=({DEPTH: 6},)))
    assert first.values.items() >= {"model": "minilm", DEPTH: 6}.items()
