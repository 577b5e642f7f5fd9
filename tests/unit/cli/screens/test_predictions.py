"""Each prediction is one line on screen or in JSON, whatever its labels are called."""

from __future__ import annotations

import json

import pytest

from finesweep.cli.screens.predictions import Tally, json_line, screen_line
from finesweep.prediction import Classifier
from finesweep.records import DecisionRule, Prediction

EMPTY = Prediction(None, "UNCERTAIN", None, {}, sure=False)
CUT = Prediction("c", "1", 0.9, {"1": 0.9, "0": 0.1}, sure=True, truncated=True)
SURE = Prediction("a", "1", 0.871, {"1": 0.871, "0": 0.129}, sure=True)
SECOND = Prediction("d", "1", 0.273, {"0": 0.727, "1": 0.273}, sure=False)
UNCERTAIN_ONE = Prediction("b", "0", 0.5416, {"0": 0.5416, "1": 0.4584}, sure=False)


class TwoLabels(Classifier):
    """A classifier of two labels without a model."""

    @property
    def label_names(self) -> list[str]:
        return ["0", "1"]


CLASSIFIER = TwoLabels(None, 32, DecisionRule(uncertain_below=0.63))


@pytest.mark.parametrize(
    ("text", "prediction", "line"),
    [
        ("what a day", SURE, "1           1: 0.871  0: 0.129   what a day"),
        ("meh", UNCERTAIN_ONE, "UNCERTAIN   0: 0.542 is below 0.630  1: 0.458   meh"),
        ("hm", SECOND, "UNCERTAIN   1: 0.273 is below 0.630  0: 0.727   hm"),
        ("", EMPTY, "UNCERTAIN   there is no text to read   "),
        ("long", CUT, "1           1: 0.900  0: 0.100   [truncated to 32 tokens]   long"),
        ("a\nb\u2028\x1b[2J", SURE, r"1           1: 0.871  0: 0.129   a\nb\u2028\x1b[2J"),
    ],
)
def test_a_line_has_the_prediction_the_top_labels_and_the_text(
    text: str, prediction: Prediction, line: str
) -> None:
    assert screen_line([text], prediction, CLASSIFIER) == line


def test_a_probability_near_the_threshold_has_enough_decimals_to_differ() -> None:
    near = Prediction("b", "0", 0.62996, {"0": 0.62996, "1": 0.37004}, sure=False)
    assert "0: 0.62996 is below 0.63000 " in screen_line(["b"], near, CLASSIFIER)


def test_a_json_line_has_the_top_label_and_is_one_line() -> None:
    line = json_line(["b\u2028\x85c\n"], UNCERTAIN_ONE, CLASSIFIER)
    assert line.splitlines() == [line]
    assert json.loads(line) == {
        "text": "b\u2028\x85c\n",
        "label": "0",
        "probability": 0.5416,
        "uncertain": True,
        "truncated": False,
        "threshold": 0.63,
        "max_length": 32,
        "probabilities": {"0": 0.5416, "1": 0.4584},
    }


def test_remarks_count_uncertain_and_truncated_predictions_once() -> None:
    tally = Tally()
    list(tally.count(iter([(None, [SURE, UNCERTAIN_ONE]), (None, [EMPTY, CUT])])))  # type: ignore[list-item]
    assert tally.remarks(CLASSIFIER, None) == [
        "1 of 4 texts UNCERTAIN: the probability of the label is below 0.63, the model's own"
        " threshold; --threshold 0 predicts all",
        "1 of 4 texts UNCERTAIN: empty text",
        "1 of 4 texts truncated to 32 tokens, the model's max_length",
    ]
    assert Tally(n_texts=3).remarks(CLASSIFIER, None) == []
