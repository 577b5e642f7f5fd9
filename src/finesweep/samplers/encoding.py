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
from functools import lru_cache
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
"""Column of a number that the trial's branch of the space does not have."""


def field_of(name: str) -> str:
    """The field of a parameter name, without its condition."""
    return name.partition("|")[0]


@dataclass(frozen=True)
class Encoding:
    """The columns: a number for each numeric field, one for each value of a categorical field."""

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
            if is_number(space[name])
        }
        texts = {(field_of(name), str(value)) for name, value in params.items()}
        return [
            *(positions.get(field, MISSING) for field in self.numbers),
            *(float(each in texts) for each in self.categories),
        ]

    def rows(self, trials: Sequence[tuple[Mapping[str, Any], Space]]) -> Array:
        """[N, columns], one row for each trial's params and distributions."""
        rows = [self.row(params, space) for params, space in trials]
        return np.array(rows, dtype=np.float64).reshape(len(rows), self.n_columns)


def encoding_of(spaces: Iterable[Space]) -> Encoding:
    """The columns for trials of all these spaces; a field that is numeric in some only is
    categorical in all."""
    numeric: dict[str, bool] = {}
    values: dict[str, set[str]] = {}
    for space in spaces:
        for name, distribution in space.items():
            field = field_of(name)
            numeric[field] = numeric.get(field, True) and is_number(distribution)
            if isinstance(distribution, CategoricalDistribution):
                values.setdefault(field, set()).update(map(str, distribution.choices))
    return Encoding(
        numbers=tuple(sorted(field for field, holds in numeric.items() if holds)),
        categories=tuple(
            (field, value)
            for field in sorted(field for field, holds in numeric.items() if not holds)
            for value in sorted(values.get(field, ()))
        ),
    )


@lru_cache(maxsize=1024)
def is_number(distribution: BaseDistribution) -> bool:
    """Whether its values have an order: numbers, also as a categorical's choices."""
    if not isinstance(distribution, CategoricalDistribution):
        return True
    return len(distribution.choices) > 1 and all(
        isinstance(choice, int | float) and not isinstance(choice, bool)
        for choice in distribution.choices
    )


def position(value: Any, distribution: BaseDistribution) -> float:
    """The value's place in its range, from 0 (lowest) to 1 (highest); a choice's is its rank.

    A logarithmic range is measured in logarithms. A range of one value is at 0.5.
    """
    if isinstance(distribution, CategoricalDistribution):
        ranks = sorted(set(distribution.choices), key=float)  # type: ignore[arg-type]
        return ranks.index(value) / max(1, len(ranks) - 1)
    low, high = float(distribution.low), float(distribution.high)  # type: ignore[attr-defined]
    if distribution.single():
        return MISSING
    if distribution.log:  # type: ignore[attr-defined]
        low, high, value = math.log(low), math.log(high), math.log(value)
    return float((value - low) / (high - low))


def value_at(place: float, distribution: BaseDistribution) -> Any:
    """The value at a place in [0, 1] of the range; places drawn uniformly give values as Optuna's
    RandomSampler draws them."""
    if isinstance(distribution, CategoricalDistribution):
        choices = distribution.choices
        if is_number(distribution):
            choices = tuple(sorted(choices, key=float))  # type: ignore[arg-type]
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
