"""A sweep's outcome, to the letter."""

from __future__ import annotations

from dataclasses import replace

import pytest

from finesweep.records import Finalist
from finesweep.sweep.comparisons import BaselineResult
from finesweep.sweep.sentences import (
    baseline_score,
    baseline_verdict,
    chance_better,
    duration,
    spent_and_saved,
    time_spent,
    use_of_test_rows,
)

TFIDF = BaselineResult("run", {}, {"test/accuracy": 0.8125}, 1.25, 30, 10, 0.002)
BEST = Finalist(0, "run", "models:/m-1", {}, 0.5, 10, 8)


@pytest.mark.parametrize(
    ("seconds", "said"), [(45.4, "45 s"), (600, "10 min"), (9000, "2.5 h"), (89.9, "90 s")]
)
def test_a_duration_has_the_unit_that_fits(seconds: float, said: str) -> None:
    assert duration(seconds) == said


def test_time_is_told_longest_part_first_and_what_was_saved_apart() -> None:
    seconds = {
        "seconds/loading": 2.0,
        "seconds/training": 95.0,
        "seconds/waiting": 0.2,
        "seconds_saved/pruning": 40.0,
    }
    assert time_spent(seconds) == "time spent: training 2 min, loading 2 s; saved by pruning 40 s"
    assert spent_and_saved(seconds, at_least=0)[0]["waiting"] == 0.2
    assert time_spent({"seconds/waiting": 0.2}) == ""


def test_the_baseline_is_beaten_only_if_that_is_significant() -> None:
    assert baseline_verdict(TFIDF) == (
        "the winner significantly beats it: right on 30 rows that it gets wrong, wrong on 10 that"
        " it gets right (p 0.002)"
    )
    assert "does NOT significantly beat it" in baseline_verdict(replace(TFIDF, p=0.06))
    assert baseline_score(replace(TFIDF, kinds=("words", "characters"))) == (
        "TF-IDF of words and characters with logistic regression: accuracy 0.8125, fitted in 1.2 s"
    )


def test_the_use_of_the_test_rows_and_the_odds_are_told_where_they_are_known() -> None:
    assert use_of_test_rows(BEST) == "first use of them"
    assert use_of_test_rows(replace(BEST, test_look=3)) == "used 3 times so far"
    assert use_of_test_rows(replace(BEST, test_look=0)) == ""
    assert chance_better(BEST) is None
    assert chance_better(replace(BEST, confirmed={"probability_better": 0.75})) == 0.75
