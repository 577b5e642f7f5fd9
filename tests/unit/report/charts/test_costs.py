"""Quality against latency and size, and where the seconds went."""

from __future__ import annotations

from dataclasses import replace

import pytest

from finesweep.report.charts.costs import Candidate, pareto, quality_and_cost, seconds
from finesweep.report.records import SweepRecord

pytestmark = pytest.mark.slow
GOOD = Candidate("good", 0, 0.2, latency_ms=20, parameters=100)
FAST = Candidate("fast", 1, 0.4, latency_ms=10, parameters=50)
POOR = Candidate("poor", 2, 0.5, latency_ms=12, parameters=60)


def test_the_pareto_front_has_no_model_that_another_beats_in_everything() -> None:
    assert pareto([GOOD, FAST, POOR], is_better_higher=False) == [FAST, GOOD]
    assert pareto([GOOD, FAST, POOR], is_better_higher=True) == [FAST, POOR]


def test_both_models_are_in_one_picture_with_the_verdict(sweep: SweepRecord) -> None:
    picture = quality_and_cost(sweep)
    assert picture.caption.startswith("bert and distilbert do not differ significantly on the same")
    by_latency, by_size = picture.figures
    at = {trace.text[0]: (trace.x[0], trace.y[0]) for trace in by_latency.data[1:]}
    best = {each.model: each for each in (sweep.comparisons[0].first, sweep.comparisons[0].second)}
    values = {row.trial: row.value for row in sweep.leaderboard}
    assert at == {
        "bert": (20.0, values[best["bert"].trial]),
        "distilbert": (10.0, values[best["distilbert"].trial]),
    }
    assert [trace.x[0] for trace in by_size.data[1:]] == [
        {"bert": 110.0, "distilbert": 55.0}[trace.text[0]] for trace in by_size.data[1:]
    ]


def test_one_model_alone_has_the_costs_of_its_own_run(sweep: SweepRecord) -> None:
    picture = quality_and_cost(replace(sweep, comparisons=[]))
    assert picture.rows[0][3:] == ("8.0", "100", "yes")
    assert not quality_and_cost(replace(sweep, comparisons=[], leader=None)).figures


def test_seconds_are_told_by_part_and_model_and_what_was_saved(sweep: SweepRecord) -> None:
    picture = seconds(sweep)
    n_pruned = sum(row.state == "PRUNED" for row in sweep.leaderboard)
    table = {row[0]: row[-1] for row in picture.rows}
    assert table == {
        "training": f"{16 * 20:.1f}",
        "loading": f"{16 * 4:.1f}",
        "saved by cache": f"{16 * 6:.1f}",
        "saved by pruning": f"{n_pruned * 10:.1f}",
    }
    bars = {trace.name: trace for trace in picture.figures[0].data}
    assert sum(bars["bert"].x) + sum(bars["distilbert"].x) == 16 * 24
