"""The Pareto front of candidates with several objectives, and rules that pick one of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeVar

from finesweep.records import Objective

K = TypeVar("K")
Values = Mapping[str, float]
"""Metric → value, of every objective."""
ROUNDING = 1e-9
"""By which a difference of two values may exceed a distance that it is equal to in decimals."""


def pareto_front(values: Mapping[K, Values], objectives: Sequence[Objective]) -> list[K]:
    """The candidates that no other beats: as good in every objective and better in one. The best by
    the first objective comes first, ties by the others; candidates with equal values stay
    together."""
    losses = {key: _losses(each, objectives) for key, each in values.items()}
    front = [key for key, own in losses.items() if not any(_beats(o, own) for o in losses.values())]
    return sorted(front, key=lambda key: losses[key])


def best_within(
    values: Mapping[K, Values], objectives: Sequence[Objective], distance: float
) -> list[K]:
    """The candidates whose first objective is within this distance of the best one, in its unit:
    the best by the second objective first, ties by the first, then by the others."""
    losses = {key: _losses(each, objectives) for key, each in values.items()}
    best = min(each[0] for each in losses.values())
    near = [key for key, each in losses.items() if each[0] - best <= distance + ROUNDING]
    return sorted(near, key=lambda key: (losses[key][1], losses[key][0], losses[key][2:]))


def knee(values: Mapping[K, Values], objectives: Sequence[Objective]) -> K:
    """The candidate of a front farthest below the plane through the best of each objective, once
    each objective is scaled to [0, 1] over the front: where gaining in one begins to cost much in
    the others. Ties, as between the two ends of a front of two, go to the best first objective.

    Source: Das 1999, "On characterizing the 'knee' of the Pareto curve based on normal-boundary
    intersection"; the plane is the one through the unit vectors.
    """
    losses = {key: _losses(each, objectives) for key, each in values.items()}
    columns = list(zip(*losses.values(), strict=True))
    lows, spans = [min(c) for c in columns], [max(c) - min(c) for c in columns]

    def height(key: K) -> tuple[float, tuple[float, ...]]:
        own = zip(losses[key], lows, spans, strict=True)
        # Rounded: equal heights must not be told apart by the last bit.
        return round(sum((x - low) / span for x, low, span in own if span), 9), losses[key]

    return min(losses, key=height)


def _losses(values: Values, objectives: Sequence[Objective]) -> tuple[float, ...]:
    """The values in the order of the objectives, lower is better."""
    return tuple(
        values[each.metric] if each.direction == "minimize" else -values[each.metric]
        for each in objectives
    )


def _beats(one: Sequence[float], other: Sequence[float]) -> bool:
    return one != other and all(a <= b for a, b in zip(one, other, strict=True))
