"""Importances, slices, the contour and parallel coordinates."""

from __future__ import annotations

from dataclasses import replace
from math import log10
from typing import Any

import pytest
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)
from optuna.trial import create_trial
from tests.unit.report.made import record
from tests.unit.sweep.studies import new_study

from finesweep.report.charts.settings import contour, importances, parallel, slices
from finesweep.report.records import Dimension, Importance, SweepRecord
from finesweep.sweep.study.keys import DEFINITION, MODEL, SLOT, SWEEP

pytestmark = pytest.mark.slow
RATE, DEPTH = "training.learning_rate", "model.freeze_layers"
DECAY = "training.weight_decay"
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


def test_a_contour_knows_only_the_trials_that_have_both_settings(known: SweepRecord) -> None:
    model = next(r.model for r in known.leaderboard if r.trial == known.chosen)
    other = next(r.trial for r in known.leaderboard if r.model == model and r.trial != known.chosen)
    both = {RATE, DEPTH}
    rows = [
        replace(r, params={RATE: r.params[RATE]}) if r.trial == other else r
        for r in sorted(known.leaderboard, key=lambda r: r.trial != other)
    ]
    searched = [each for each in known.dimensions if each.path in both]
    picture = contour(replace(known, leaderboard=rows, dimensions=searched))
    points = picture.figures[0].data[1]
    trials = [row[0] for row in picture.rows]
    assert other not in trials
    assert [text.partition(",")[0] for text in points.hovertext] == [f"trial {t}" for t in trials]
    assert [size == 14 for size in points.marker.size] == [t == known.chosen for t in trials]
    assert len(points.x) == len(points.marker.color) == len(trials)
    assert f"from {len(trials)} trials" in picture.alt


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


def mixed(
    path: str, a: tuple[BaseDistribution, list[Any]], b: tuple[BaseDistribution, list[Any]]
) -> SweepRecord:
    """Trials of two models, which search one field in different ways, and these values of it."""
    definition = {"sweep.metric": "validation/loss", "sweep.direction": "minimize"}
    study = new_study(name="own", n_trials=0, **{SWEEP: "own", DEFINITION: definition})
    rates = FloatDistribution(1e-5, 1e-3, log=True)
    drawn = [(model, each, k) for model, each in (("a", a), ("b", b)) for k in range(len(each[1]))]
    study.add_trials(
        [
            create_trial(
                value=0.1 * k,
                params={RATE: 1e-5 * (1 + k * k % 7), f"{path}|model={model}": values[k]},
                distributions={RATE: rates, f"{path}|model={model}": distribution},
                user_attrs={MODEL: model, SLOT: slot},
            )
            for slot, (model, (distribution, values), k) in enumerate(drawn)
        ]
    )
    return record(study)


def test_a_depth_that_one_model_draws_from_a_range_and_another_from_words_is_drawn_for_all() -> (
    None
):
    words = CategoricalDistribution((0, 2, "all"))
    depths = (IntDistribution(0, 6), [0, 5, 3, 2, 1, 6])
    known = mixed(DEPTH, depths, (words, ["all", 0, 2, "all", 0, 2]))
    (field,) = [each for each in known.dimensions if each.path == DEPTH]
    assert field.choices == (0, 1, 2, 3, 5, 6, "all")
    drawn = [figure for figure in slices(known).figures if figure.layout.xaxis.title.text == DEPTH]
    places = {place for trace in drawn[0].data for place in trace.x}
    assert places == set(range(len(field.choices)))
    (figure,) = contour(known).figures
    assert len(figure.data[1].x) == 6
    assert DEPTH.rpartition(".")[2] in [
        axis.label for axis in parallel(known).figures[0].data[0].dimensions
    ]


def test_a_setting_that_is_0_in_one_model_has_no_logarithmic_axis() -> None:
    positive = (FloatDistribution(1e-4, 0.1, log=True), [1e-4, 0.05, 0.02, 0.1, 0.001])
    known = mixed(DECAY, positive, (CategoricalDistribution((0.0, 0.01)), [0.0, 0.01]))
    (drawn,) = [
        figure for figure in slices(known).figures if figure.layout.xaxis.title.text == DECAY
    ]
    assert min(place for trace in drawn.data for place in trace.x) == 0
    assert contour(known).figures
    assert parallel(known).figures
