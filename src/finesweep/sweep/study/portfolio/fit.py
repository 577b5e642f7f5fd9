"""A known-good setting in a sweep's search space: its values where the space has them or near."""

from __future__ import annotations

import math
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from finesweep.config import Choice, Dimension, Interval, Range
from finesweep.config.portfolios import FROZEN_SHARE

RATE = "training.learning_rate"
DEPTH = "model.freeze_layers"
SAME_RATE = 2.0
"""Ratio up to which an allowed rate stands for the setting's: steps of published grids are below
it, and the measured settings of one encoder span more."""


def fitted(
    setting: Mapping[str, Any], space: Mapping[str, Dimension], *, n_layers: int
) -> dict[str, Any] | None:
    """Path → value of the setting's fields that the space searches; None when the space does not
    have its learning rate, because another rate is another setting.

    Every other field takes the nearest allowed value. n_layers is the encoder's, of which the
    setting freezes a share.
    """
    values = {name: value for name, value in setting.items() if name != FROZEN_SHARE}
    if FROZEN_SHARE in setting:
        values[DEPTH] = round(setting[FROZEN_SHARE] * n_layers)
    near = {
        path: nearest_value(space[path], value, n_layers=n_layers, by_ratio=path == RATE)
        for path, value in values.items()
        if path in space and _numbers(space[path])
    }
    if RATE in near and not _is_same_rate(space[RATE], values[RATE], near[RATE]):
        return None
    return near


def nearest_value(
    dimension: Dimension, value: float, *, n_layers: int, by_ratio: bool = False
) -> Any:
    """The dimension's value nearest to this one, by difference or by ratio; of two, the smaller.

    `all` among the choices of a depth counts as all n_layers.
    """
    if isinstance(dimension, Choice):
        known: dict[float, Any] = {number: number for number in _numbers(dimension)}
        if "all" in dimension.values:
            known.setdefault(n_layers, "all")
        far = _ratio if by_ratio else _difference
        return known[min(sorted(known), key=lambda number: far(number, value))]
    if isinstance(dimension, Interval):
        inside = min(max(value, dimension.low), dimension.high)
        return round(inside) if dimension.integer else float(inside)
    return _on_grid(dimension, min(max(value, dimension.start), dimension.last))


def _is_same_rate(dimension: Dimension, wanted: float, near: float) -> bool:
    numbers = _numbers(dimension)
    is_within = min(numbers) <= wanted <= max(numbers)
    return is_within and _ratio(near, wanted) <= SAME_RATE


def _ratio(a: float, b: float) -> float:
    return max(a / b, b / a) if a > 0 and b > 0 else math.inf


def _difference(a: float, b: float) -> float:
    return abs(a - b)


def _numbers(dimension: Dimension) -> list[float]:
    """The numbers among a choice's values, or both bounds."""
    ends = dimension.ends()
    return [n for n in ends if isinstance(n, int | float) and not isinstance(n, bool)]


def _on_grid(grid: Range, value: float) -> float:
    """The grid's value nearest to one between its start and its last."""
    # Decimals, as in Range.last: 0.1 has no exact binary value.
    start, step, given = (Decimal(str(number)) for number in (grid.start, grid.step, value))
    nearest = start + math.ceil((given - start) / step - Decimal("0.5")) * step
    return int(nearest) if isinstance(grid.start + grid.step, int) else float(nearest)
