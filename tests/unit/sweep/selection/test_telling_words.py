"""Which words of a wrong prediction speak for its label."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import AutoModelForSequenceClassification, AutoTokenizer, pipeline

from finesweep import records
from finesweep.prediction import Classifier
from finesweep.records import DecisionRule, Predictions
from finesweep.sweep.selection.telling_words import (
    N_ERRORS,
    N_WORDS,
    explained_errors,
    telling_words,
    wrong_label,
)

SPANS = [("not", -1.0), (" ", None), ("bad", 0.75), (" ", None), ("bad", 0.5), ("film", 0.0)]


def test_equal_words_are_added_and_only_what_speaks_for_the_label_is_told() -> None:
    assert telling_words(SPANS) == [("bad", 1.25)]
    assert telling_words(SPANS, sign=-1) == [("not", 1.0)]


def test_the_largest_come_first_and_few() -> None:
    spans = [(f"w{n}", float(n)) for n in range(9)]
    assert telling_words(spans) == [(f"w{n}", float(n)) for n in (8, 7, 6, 5)][:N_WORDS]


@pytest.mark.parametrize(
    ("logits", "truth", "expected"),
    [
        ([0.1, 2.0, 0.5], np.array(0), (1, False)),
        ([3.0, -0.5, 0.2], np.array([1, 1, 0]), (1, True)),
        ([3.0, -0.1, 0.2], np.array([1, 1, 0]), (2, False)),
    ],
)
def test_the_wrong_label_is_the_predicted_class_or_the_most_confident_mistake(
    logits: list[float], truth: np.ndarray, expected: tuple[int, bool]
) -> None:
    assert wrong_label(np.array(logits), truth) == expected


@pytest.mark.slow
def test_the_words_of_the_most_confident_errors_are_their_texts_own(tiny_bert: Path) -> None:
    torch.manual_seed(1)
    model = AutoModelForSequenceClassification.from_pretrained(tiny_bert)
    asked = pipeline(
        "text-classification", model=model, tokenizer=AutoTokenizer.from_pretrained(tiny_bert)
    )
    text, n_rows = "it was a lovely day", N_ERRORS + 2
    logits = np.tile([0.0, 1.0], (n_rows, 1))
    errors = [{"row": row, "text": text} for row in reversed(range(n_rows))]
    predictions = Predictions(logits, np.zeros(n_rows, dtype=int))
    test = records.TestResult({}, {}, 1, predictions, errors, DecisionRule(), "", 1.0)
    explained = explained_errors(Classifier(asked, 12, DecisionRule()), test)
    assert [each["row"] for each in explained] == [each["row"] for each in errors[:N_ERRORS]]
    (words,) = {tuple(each["words"]) for each in explained}
    assert words == tuple(sorted(words, key=lambda pair: -pair[1])) != ()
    assert {word for word, _ in words} < set(text.split())
