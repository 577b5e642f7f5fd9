"""A comparison of two models is told in one sentence."""

from __future__ import annotations

from dataclasses import replace

import pytest

from finesweep.sweep.comparisons import Contender, ModelComparison, verdict

BERT = Contender("bert", 3, 6, latency_ms=20.0, parameters=110)
SMALL = Contender("distilbert", 5, 4, latency_ms=10.0, parameters=66)
CLOSE = ModelComparison(BERT, SMALL, 1000, (0.9, 0.89), 30, 20, 0.2, (0, 0, 0), (0, 0, 0))


@pytest.mark.parametrize(
    ("comparison", "said"),
    [
        (
            CLOSE,
            "bert and distilbert do not differ significantly on the same 1,000 validation rows"
            " (p 0.2); distilbert is 2.0 times as fast as bert.",
        ),
        (
            replace(CLOSE, p=0.004),
            "bert is right more often than distilbert on the same 1,000 validation rows (p 0.004);"
            " distilbert is 2.0 times as fast as bert.",
        ),
        (
            replace(CLOSE, p=0.004, n_gained=10, first=SMALL, second=BERT),
            "bert is right more often than distilbert on the same 1,000 validation rows (p 0.004);"
            " distilbert is 2.0 times as fast as bert.",
        ),
    ],
)
def test_the_verdict_says_who_is_better_and_who_is_cheaper(
    comparison: ModelComparison, said: str
) -> None:
    assert verdict(comparison) == said
