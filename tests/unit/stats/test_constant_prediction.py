"""A constant prediction is recognised by the predictions, not by scores."""

from __future__ import annotations

import numpy as np

from finesweep.records import Predictions
from finesweep.stats.constant_prediction import constant_prediction, never_predicted

NAMES = ("bad", "good", "plain")


def predictions_of(answers: list[int], labels: list[int]) -> Predictions:
    return Predictions(np.eye(3, dtype=np.float32)[answers], np.array(labels))


def test_one_prediction_for_rows_of_several_classes_is_constant() -> None:
    assert constant_prediction(predictions_of([1, 1, 1, 1], [0, 1, 2, 1]), NAMES) == "'good'"


def test_two_predictions_are_not_constant_even_if_one_is_rare() -> None:
    assert constant_prediction(predictions_of([1, 1, 1, 0], [0, 1, 2, 1]), NAMES) is None


def test_one_prediction_for_rows_of_one_class_is_correct() -> None:
    assert constant_prediction(predictions_of([1, 1], [1, 1]), NAMES) is None


def test_a_label_set_may_be_the_constant_prediction() -> None:
    labels = np.array([[1, 0, 1], [0, 0, 1]])
    none, two = np.full((2, 3), -3.0), np.array([[2.0, -2.0, 2.0]] * 2)
    assert constant_prediction(Predictions(none, labels), NAMES) == "none of the labels"
    assert constant_prediction(Predictions(two, labels), NAMES) == "'bad' and 'plain'"


def test_labels_that_are_never_predicted_are_listed() -> None:
    assert never_predicted(predictions_of([1, 1, 0, 0], [0, 1, 2, 1]), NAMES) == ["plain"]
    assert never_predicted(predictions_of([1, 1, 0, 0], [0, 1, 1, 1]), NAMES) == []
