"""Trials of different studies as rows of numbers with the same columns.

A parameter named `PATH|CONDITION`, as sweeps name conditional ones, is the field PATH. A number is
its position within its own range, so that it carries over to a study with another range: the number
of frozen layers becomes a share of the layers, and a learning rate a place between the lowest and
the highest that the user finds reasonable for the model.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    IntDistribution,
)

Array = npt.NDArray[np.float64]
Space = Mapping[str, BaseDistribution]
"""Parameter name → distribution."""

MISSING = 0.5
"""Column of a number that the trial does not have, or could only have."""


def field_of(name: str) -> str:
    """The field of a parameter name, without its condition."""
    return name.partition("|")[0]


@dataclass(frozen=True)
class Encoding:
    """The columns: one for each field with numbers, one for each value that is no number."""

    numbers: tuple[str, ...]
    categories: tuple[tuple[str, str], ...]
    """(field, value as text)."""

    @property
    def n_columns(self) -> int:
        return len(self.numbers) + len(self.categories)

    def row(self, params: Mapping[str, Any], space: Space) -> list[float]:
        """One trial's columns, each in [0, 1]; space holds a distribution for each parameter."""
        positions = {
            field_of(name): position(value, space[name])
            for name, value in params.items()
            if is_number(value)
        }
        texts = {(field_of(n), str(value)) for n, value in params.items() if not is_number(value)}
        return [
            *(positions.get(field, MISSING) for field in self.numbers),
            *(float(each in texts) for each in self.categories),
        ]

    def rows(self, trials: Sequence[tuple[Mapping[str, Any], Space]]) -> Array:
        """[N, columns], one row for each trial's params and distributions."""
        rows = [self.row(params, space) for params, space in trials]
        return np.array(rows, dtype=np.float64).reshape(len(rows), self.n_columns)


def encoding_of(spaces: Iterable[Space]) -> Encoding:
    """The columns for trials of all these spaces; a field with numbers and other values has both
    kinds."""
    numbers: set[str] = set()
    categories: set[tuple[str, str]] = set()
    for space in spaces:
        for name, distribution in space.items():
            field, choices = field_of(name), _choices(distribution)
            if choices is None or any(map(is_number, choices)):
                numbers.add(field)
            categories |= {(field, str(each)) for each in choices or () if not is_number(each)}
    return Encoding(tuple(sorted(numbers)), tuple(sorted(categories)))


def is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def position(value: float, distribution: BaseDistribution) -> float:
    """The number's place in its range, from 0 (lowest) to 1 (highest); a choice's is its rank among
    the numbers.

    A logarithmic range is measured in logarithms. A range of one number is at 0.5.
    """
    if (choices := _choices(distribution)) is not None:
        ranks = sorted(set(filter(is_number, choices)))
        return ranks.index(value) / (len(ranks) - 1) if len(ranks) > 1 else MISSING
    low, high = float(distribution.low), float(distribution.high)  # type: ignore[attr-defined]
    if distribution.single():
        return MISSING
    if distribution.log:  # type: ignore[attr-defined]
        low, high, value = math.log(low), math.log(high), math.log(value)
    return float((value - low) / (high - low))


def value_at(place: float, distribution: BaseDistribution) -> Any:
    """The value at a place in [0, 1] of the range; places drawn uniformly give values as Optuna's
    RandomSampler draws them."""
    if (choices := _choices(distribution)) is not None:
        if all(map(is_number, choices)):
            choices = sorted(choices)
        return choices[min(int(place * len(choices)), len(choices) - 1)]
    low, high, step = distribution.low, distribution.high, distribution.step  # type: ignore[attr-defined]
    half = step / 2 if step is not None else 0.0  # each value of a grid gets an equal share
    if distribution.log:  # type: ignore[attr-defined]
        start, stop = math.log(low - half), math.log(high + half)
        value = math.exp(start + place * (stop - start))
    else:
        value = low - half + place * (high - low + 2 * half)
    if step is not None:
        value = low + round((value - low) / step) * step
    value = min(max(value, low), high)
    return int(value) if isinstance(distribution, IntDistribution) else float(value)


def _choices(distribution: BaseDistribution) -> Sequence[Any] | None:
    """A categorical's values; None for a range."""
    return distribution.choices if isinstance(distribution, CategoricalDistribution) else None
