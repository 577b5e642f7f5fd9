"""History, learning curves and what a budget buys."""

from __future__ import annotations

from dataclasses import replace

import pytest

from finesweep.report.charts.search import budget, history, learning_curves
from finesweep.report.records import SweepRecord
from finesweep.stats.expected_best import expected_best

pytestmark = pytest.mark.slow


def trace(figure: object, name: str) -> dict:
    (found,) = [each for each in figure.data if each.name == name]  # type: ignore[attr-defined]
    return found.to_plotly_json()


def test_pruned_trials_are_told_apart_and_the_line_is_the_best_so_far(sweep: SweepRecord) -> None:
    picture = history(sweep)
    (figure,) = picture.figures
    pruned = [r.trial for r in sweep.leaderboard if (r.state, r.model) == ("PRUNED", "bert")]
    drawn = trace(figure, "bert, pruned")
    assert list(drawn["x"]) == sorted(pruned)
    assert drawn["marker"]["symbol"] == "x-thin"
    assert trace(figure, "bert")["marker"]["symbol"] == "circle"
    complete = sorted(
        (r.trial, r.value) for r in sweep.leaderboard if r.state == "COMPLETE" and r.value
    )
    best = [min(value for _, value in complete[: k + 1]) for k in range(len(complete))]
    assert list(trace(figure, "best so far")["y"]) == pytest.approx(best, rel=1e-5)
    assert len(picture.rows) == len(sweep.leaderboard)


def test_of_a_higher_metric_the_best_so_far_rises(sweep: SweepRecord) -> None:
    higher = replace(sweep, status=replace(sweep.status, direction="maximize"))
    line = list(trace(history(higher).figures[0], "best so far")["y"])
    assert line == sorted(line)


def test_a_value_far_beyond_the_others_does_not_flatten_them(sweep: SweepRecord) -> None:
    worst = replace(sweep.leaderboard[-1], value=1e6)
    picture = history(replace(sweep, leaderboard=[*sweep.leaderboard[:-1], worst]))
    assert picture.figures[0].layout.yaxis.range[1] < 10
    assert "1 value lies outside; a double click shows all." in picture.caption


def test_every_curve_is_drawn_and_the_winner_s_is_drawn_out(sweep: SweepRecord) -> None:
    picture = learning_curves(sweep)
    (figure,) = picture.figures
    (own,) = [c for c in sweep.curves if c.row.trial == sweep.chosen]
    drawn = trace(figure, f"trial {sweep.chosen}, the winner")
    assert list(zip(drawn["x"], drawn["y"], strict=True)) == own.points
    assert drawn["line"]["width"] > 3
    complete = [c for c in sweep.curves if (c.row.model, c.row.state) == ("bert", "COMPLETE")]
    steps = trace(figure, "bert")["x"]
    assert [step for step in steps if step is not None] == [
        s for c in complete for s, _ in c.points
    ]
    assert trace(figure, "bert, pruned")["line"]["dash"] == "dot"


def test_a_budget_buys_the_expected_best_over_the_mean_time_of_a_trial(sweep: SweepRecord) -> None:
    (figure,) = budget(sweep).figures
    values = [row.value for row in sweep.leaderboard if row.model == "bert" and row.value]
    drawn = trace(figure, "bert")
    assert list(drawn["y"]) == pytest.approx(expected_best(values, "minimize").tolist(), rel=1e-5)
    assert list(drawn["x"])[:2] == pytest.approx([24 / 60, 48 / 60])


def test_without_results_each_says_what_is_missing(sweep: SweepRecord) -> None:
    empty = replace(sweep, leaderboard=[], curves=[])
    for draw in (history, learning_curves, budget):
        picture = draw(empty)
        assert not picture.figures
        assert picture.caption.endswith(".")
