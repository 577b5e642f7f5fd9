"""Importances, slices, the contour and parallel coordinates."""

from __future__ import annotations

from dataclasses import replace
from math import log10

import pytest

from finesweep.report.charts.settings import contour, importances, parallel, slices
from finesweep.report.records import Dimension, Importance, SweepRecord

pytestmark = pytest.mark.slow
RATE, DEPTH = "training.learning_rate", "model.freeze_layers"
SHARES = [
    Importance("bert", 40, 5, {RATE: 0.75, DEPTH: 0.25}),
    Importance("distilbert", 9, 5, {DEPTH: 1.0}),
]


@pytest.fixture
def known(sweep: SweepRecord) -> SweepRecord:
    return replace(sweep, importances=SHARES)


def test_each_model_has_its_own_bars_and_few_trials_a_caveat(known: SweepRecord) -> None:
    picture = importances(known)
    assert len(picture.figures) == 2
    assert list(picture.figures[0].data[0].y) == [DEPTH, RATE]  # from below
    assert list(picture.figures[0].data[0].x) == [0.25, 0.75]
    assert "the shares of two models cannot be compared" in picture.caption
    assert "a hint for distilbert" in picture.caption
    assert "bert, " not in picture.caption.partition("a hint for")[2]


def test_a_model_with_too_few_trials_is_named(known: SweepRecord) -> None:
    few = [SHARES[0], Importance("distilbert", 3, 1, {})]
    picture = importances(replace(known, importances=few))
    assert len(picture.figures) == 1
    assert "distilbert: 3 finished trials, 1 of them best." in picture.caption
    assert not importances(replace(known, importances=few[1:])).figures


def test_the_most_important_setting_is_sliced_first_on_its_own_scale(known: SweepRecord) -> None:
    model = next(r.model for r in known.leaderboard if r.trial == known.chosen)
    first = [Importance(model, 40, 5, {RATE: 0.75, DEPTH: 0.25})]
    picture = slices(replace(known, importances=first))
    assert [f.layout.xaxis.title.text for f in picture.figures[:2]] == [RATE, DEPTH]
    own = [r for r in known.leaderboard if (r.model, r.state) == ("bert", "COMPLETE")]
    (drawn,) = [
        t for t in picture.figures[0].data if t.name == "bert" and t.marker.symbol == "circle"
    ]
    assert list(drawn.x) == pytest.approx([log10(r.params[RATE]) for r in own], rel=1e-5)
    assert any(t.marker.symbol == "x-thin" for t in picture.figures[0].data)


def test_the_contour_lies_between_the_trials_of_one_model(known: SweepRecord) -> None:
    picture = contour(known)
    (figure,) = picture.figures
    surface, points = figure.data
    model = next(r.model for r in known.leaderboard if r.trial == known.chosen)
    rows = [r for r in known.leaderboard if (r.model, r.state) == (model, "COMPLETE")]
    assert len(points.x) == len(rows)
    heights = [each for line in surface.z for each in line if each is not None]
    values = [row.value for row in rows]
    assert min(values) - 1e-4 <= min(heights) <= max(heights) <= max(values) + 1e-4
    assert surface.reversescale  # bright is good


def test_too_few_trials_have_no_contour(known: SweepRecord) -> None:
    picture = contour(replace(known, leaderboard=known.leaderboard[:3]))
    assert not picture.figures
    assert picture.caption.startswith("Needs")


def test_parallel_axes_are_those_that_every_trial_has(known: SweepRecord) -> None:
    (figure,) = parallel(known).figures
    labels = [axis.label for axis in figure.data[0].dimensions]
    assert labels == [
        "model", "max_length", "freeze_layers", "learning_rate", "weight_decay", "validation/loss",
    ]  # fmt: skip
    rows = [replace(r, params={RATE: r.params[RATE]}) for r in known.leaderboard[:1]]
    fewer = parallel(replace(known, leaderboard=[*rows, *known.leaderboard[1:]]))
    assert "Without dataset.max_length, model.freeze_layers" in fewer.caption


def test_a_setting_without_numbers_has_its_values_as_ticks(known: SweepRecord) -> None:
    field = Dimension("training.precision", choices=("fp32", "<b>bf16"))
    rows = [
        replace(row, params={field.path: field.choices[k % 2]})
        for k, row in enumerate(known.leaderboard)
    ]
    picture = slices(replace(known, dimensions=[field], leaderboard=rows))
    assert list(picture.figures[0].layout.xaxis.ticktext) == ["fp32", "&lt;b&gt;bf16"]
