"""A model that says the same of every row is known by its answers, not by its scores."""

from __future__ import annotations

import numpy as np

from finesweep.records import Predictions
from finesweep.stats.constant_prediction import constant_prediction, never_predicted

NAMES = ("bad", "good", "plain")


def said(answers: list[int], labels: list[int]) -> Predictions:
    return Predictions(np.eye(3, dtype=np.float32)[answers], np.array(labels))


def test_one_answer_to_rows_of_several_classes_is_told() -> None:
    assert constant_prediction(said([1, 1, 1, 1], [0, 1, 2, 1]), NAMES) == "'good'"


def test_two_answers_are_not_one_though_one_is_rare() -> None:
    assert constant_prediction(said([1, 1, 1, 0], [0, 1, 2, 1]), NAMES) is None


def test_one_answer_to_rows_of_one_class_is_right() -> None:
    assert constant_prediction(said([1, 1], [1, 1]), NAMES) is None


def test_of_several_labels_a_set_may_be_the_one_answer() -> None:
    labels = np.array([[1, 0, 1], [0, 0, 1]])
    none, two = np.full((2, 3), -3.0), np.array([[2.0, -2.0, 2.0]] * 2)
    assert constant_prediction(Predictions(none, labels), NAMES) == "none of the labels"
    assert constant_prediction(Predictions(two, labels), NAMES) == "'bad' and 'plain'"


def test_labels_that_rows_have_and_no_answer_is_are_listed() -> None:
    assert never_predicted(said([1, 1, 0, 0], [0, 1, 2, 1]), NAMES) == ["plain"]
    assert never_predicted(said([1, 1, 0, 0], [0, 1, 1, 1]), NAMES) == []
