"""The winner's confusion, calibration, coverage and slices."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from tests.unit.report.made import evaluated

from finesweep.report.charts.winner import calibration, confusion, coverage, slices
from finesweep.stats.calibration import calibration_error, coverage_curve

pytestmark = pytest.mark.slow
ONE = evaluated()


def test_the_matrix_has_its_counts_and_the_share_of_the_true_class_as_colour() -> None:
    picture = confusion(ONE)
    heat = picture.figures[0].data[0]
    assert [list(line) for line in heat.text] == [[15, 5], [5, 15]]
    assert [list(line) for line in heat.z] == [[0.75, 0.25], [0.25, 0.75]]
    assert picture.rows == [("bad", "15", "5", "75.0%"), ("good", "5", "15", "75.0%")]
    assert picture.caption.startswith("30 of 40 rows right")


def test_of_many_classes_those_with_most_errors_are_drawn() -> None:
    counts = np.diag(np.full(40, 9))
    counts[39, 0] = 4
    names = [f"class {k}" for k in range(40)]
    picture = confusion(replace(ONE, label_names=names, confusion=counts))
    assert len(picture.rows) == 25
    assert [picture.rows[0][0], picture.rows[-1][0]] == ["class 0", "class 39"]
    assert "the 25 of 40 classes with most errors" in picture.caption


def test_several_labels_are_found_missed_or_wrongly_found() -> None:
    counts = np.array([[[30, 2], [3, 5]], [[20, 0], [4, 16]]])
    picture = confusion(replace(ONE, confusion=counts))
    assert picture.rows == [("bad", "5", "3", "2"), ("good", "16", "4", "0")]
    assert [trace.name for trace in picture.figures[0].data] == [
        "found", "missed", "false positives",
    ]  # fmt: skip


def test_calibration_and_coverage_are_those_of_the_calibrated_probabilities() -> None:
    error = calibration_error(ONE.probabilities, ONE.labels)
    assert f"Expected calibration error {error:.3f}, after temperature" in calibration(ONE).caption
    picture = coverage(ONE)
    curve = coverage_curve(ONE.probabilities, ONE.labels)
    assert list(picture.figures[0].data[0].y) == pytest.approx(curve.accuracy.tolist())
    assert "Below 0.75 the model says UNCERTAIN: it answers 75% of the rows" in picture.caption
    assert len(coverage(replace(ONE, rule=None)).figures[0].data) == 1


def test_the_weakest_slice_is_named() -> None:
    rows = [
        {"slice": "label bad", "rows": 20, "accuracy": 0.9},
        {"slice": "1 to 9 characters", "rows": 10, "accuracy": 0.6},
    ]
    picture = slices(replace(ONE, slices=rows))
    assert "The weakest is 1 to 9 characters: 60.0% of 10 rows" in picture.caption
    assert not slices(replace(ONE, slices=())).figures
