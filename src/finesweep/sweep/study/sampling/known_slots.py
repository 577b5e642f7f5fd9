"""The slots of a search whose params are known before it: enqueued, the portfolio's, the grid's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isclose
from typing import Any

from finesweep.config import SweepPlan, plain_path
from finesweep.sweep.study.keys import GRID
from finesweep.sweep.study.sampling.grid import points
from finesweep.sweep.study.search_space import optuna_params

ENQUEUED, PORTFOLIO, SAMPLER = "enqueued", "portfolio", "sampler"
"""Who chose a trial's params."""


@dataclass(frozen=True)
class KnownSlot:
    """One slot's params, as far as they are known."""

    values: Mapping[str, Any]
    """Plain path → value, fields outside the search space too."""
    params: Mapping[str, Any]
    """Optuna's names → values of those in the search space."""
    origin: str
    is_of_grid: bool = False
    """Whether it is a point of an exhaustive sampler's grid."""


def known_slots(plan: SweepPlan, portfolio: Sequence[Mapping[str, Any]] = ()) -> list[KnownSlot]:
    """The first slots, in order; with an exhaustive sampler all that the sweep can have.

    portfolio has the study's portfolio, by plain path.
    """
    given = [
        *(KnownSlot(values, optuna_params(plan, values), ENQUEUED) for values in plan.enqueued),
        *(KnownSlot(values, optuna_params(plan, values), PORTFOLIO) for values in portfolio),
    ]
    return _on_grid(plan, given, points(plan)) if plan.is_exhaustive else given


@dataclass(frozen=True)
class Grid:
    """The grid of an exhaustive sampler, as recorded in its study."""

    n_points: int
    beside: Sequence[int]
    """Slots of enqueued params with fields outside the search space: trials beside the grid."""

    @property
    def n_slots(self) -> int:
        """Number of slots after which the sweep has nothing left to try."""
        return self.n_points + len(self.beside)


def grid_of(plan: SweepPlan, portfolio: Sequence[Mapping[str, Any]] = ()) -> Grid | None:
    """The plan's grid; None unless its sampler is exhaustive. ConfigError as for points."""
    if not plan.is_exhaustive:
        return None
    slots = known_slots(plan, portfolio)
    beside = [index for index, slot in enumerate(slots) if not slot.is_of_grid]
    return Grid(len(slots) - len(beside), beside)


def grid_in(attributes: Mapping[str, Any]) -> Grid | None:
    """The grid in a study's user attributes; None without an exhaustive sampler."""
    stored = attributes.get(GRID)
    return Grid(**stored) if stored else None


def _on_grid(
    plan: SweepPlan, given: Sequence[KnownSlot], grid: Sequence[dict[str, Any]]
) -> list[KnownSlot]:
    """The given slots, each completed to a point of the grid, then the other points.

    A given slot is its point, unless it sets fields outside the search space: then it is a trial
    beside the grid, a point of what its own groups leave open. A point is given at most once.
    """
    left = dict(enumerate(grid))
    slots: dict[int, KnownSlot] = {}
    # Those that leave least open choose first: the others have more points to choose from.
    for position in sorted(range(len(given)), key=lambda k: -len(given[k].values)):
        slot = given[position]
        is_beside = _sets_other_fields(slot, plan)
        among = dict(enumerate(grid)) if is_beside else left
        index = next((i for i, point in among.items() if _agrees(point, slot.params)), None)
        if index is None:
            continue
        if not is_beside:
            del left[index]
        own = points(plan, slot.values) if is_beside else [grid[index]]
        point = next((each for each in own if _agrees(each, slot.params)), grid[index])
        values = _plain(point) | dict(slot.values)
        slots[position] = KnownSlot(values, point, slot.origin, is_of_grid=not is_beside)
    others = [KnownSlot(_plain(p), p, SAMPLER, is_of_grid=True) for p in left.values()]
    return [*(slots[position] for position in sorted(slots)), *others]


def _plain(params: Mapping[str, Any]) -> dict[str, Any]:
    return {plain_path(name): value for name, value in params.items()}


def _sets_other_fields(slot: KnownSlot, plan: SweepPlan) -> bool:
    """Whether it sets a field outside the search space to another value than the sweep's."""
    searched, base = _plain(slot.params), {**plan.base.flat(), **plan.base.choices}
    return any(base.get(k) != v for k, v in slot.values.items() if k not in searched)


def _agrees(point: Mapping[str, Any], params: Mapping[str, Any]) -> bool:
    """Whether the point has these values; of names for several conditions, that of its own."""
    own = {name: value for name, value in params.items() if name in point}
    has_all = _plain(own).keys() == _plain(params).keys()
    return has_all and all(_is_same(point[name], value) for name, value in own.items())


def _is_same(a: Any, b: Any) -> bool:
    if isinstance(a, float) and isinstance(b, int | float):
        return isclose(a, b, rel_tol=1e-9)
    return bool(a == b)
