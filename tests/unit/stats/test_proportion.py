"""The exact interval for a proportion."""

from __future__ import annotations

import pytest

from finesweep.stats.proportion import clopper_pearson


@pytest.mark.parametrize(
    ("n", "of", "low", "high"),
    [
        (0, 10, 0.0, 0.3085),
        (3, 10, 0.0667, 0.6525),
        (10, 10, 0.6915, 1.0),
        (1, 1, 0.025, 1.0),
        (0, 0, 0.0, 1.0),
    ],
)
def test_the_interval_is_that_of_published_tables(n: int, of: int, low: float, high: float) -> None:
    assert clopper_pearson(n, of) == pytest.approx((low, high), abs=5e-5)


def test_more_confidence_is_a_wider_interval() -> None:
    low, high = clopper_pearson(3, 10, confidence=0.99)
    assert (low, high) == pytest.approx((0.0370, 0.7351), abs=5e-5)
