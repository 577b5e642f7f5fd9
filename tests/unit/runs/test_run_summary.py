"""The sentences of a summary follow from its numbers."""

from __future__ import annotations

from types import SimpleNamespace

import datasets
import numpy as np

from finesweep.config import PublishedConfig
from finesweep.config.schema import TrainingConfig
from finesweep.records import DecisionRule, Predictions, TextDataset
from finesweep.runs.run_summary import (
    confusion_sentences,
    describe_error,
    doubts,
    published_rows,
    threshold_sentence,
)


def test_each_class_that_has_rows_is_told_with_what_it_is_taken_for() -> None:
    counts = np.array([[8, 1, 3], [0, 5, 0], [0, 0, 0]])
    assert confusion_sentences(counts, ("bad", "good", "never seen")) == [
        "Recall of bad: 8 of 12 rows (66.7%); 3 are predicted as never seen.",
        "Recall of good: 5 of 5 rows (100.0%).",
    ]


def test_an_error_is_explained_by_its_kinds_under_its_shortened_text() -> None:
    error = {
        "text": "no\n" + 400 * "x",
        "truth": "bad",
        "prediction": "good",
        "probability": 0.876,
        "kinds": ["long", "negation"],
    }
    told = describe_error(error)
    assert told.startswith("> no " + 297 * "x" + "…\n\n")
    assert told.endswith(
        "True label bad, predicted good with probability 0.88. Long: the model read only its "
        "beginning; negation: a word in it turns others round."
    )


def test_only_what_the_authors_and_the_run_both_have_is_compared() -> None:
    published = PublishedConfig("them", "imdb", "bert", {"test/accuracy": 0.89, "test/f2": 0.5})
    metrics = {"test/accuracy": 0.7, "test/f1": 0.6}
    assert published_rows(published, metrics) == [("test/accuracy", 0.89, 0.7)]


def test_each_of_several_labels_is_told_with_its_false_alarms() -> None:
    counts = np.array([[[70, 10], [5, 15]], [[98, 2], [0, 0]]])
    assert confusion_sentences(counts, ("rude", "loud")) == [
        "Recall of rude: 15 of 20 rows (75.0%); 10 of 25 predictions are false positives.",
        "Recall of loud: 0 of 0 rows; 2 of 2 predictions are false positives.",
    ]


def test_the_thresholds_of_several_labels_are_told_by_name() -> None:
    decision_rule = DecisionRule(label_thresholds=[0.25, 0.5])
    told = threshold_sentence(decision_rule, ("rude", "loud"), {"test/threshold_f1": 0.75})
    assert "(rude 0.25, loud 0.50): test F1 0.7500" in told
    assert threshold_sentence(DecisionRule(), ("a", "b"), {}) == ""


def test_a_model_of_one_answer_is_told_with_what_to_try() -> None:
    rows = datasets.Dataset.from_dict({"text": ["x"] * 10, "label": [0] * 8 + [1] * 2})
    dataset = TextDataset("x", rows, rows, rows, ("bad", "good"), "f", "t", notes=())
    composed = SimpleNamespace(config=SimpleNamespace(training=TrainingConfig(learning_rate=2e-5)))
    setup = SimpleNamespace(dataset=dataset, composed=composed)
    labels = np.array(rows["label"])
    same = Predictions(np.array([[2.0, 1.0]] * 10, dtype=np.float32), labels)
    (told,) = doubts(setup, same)  # type: ignore[arg-type]
    assert "ONE CLASS ONLY: 'bad' for all 10 validation rows" in told
    assert "training.learning_rate (2e-05 here), more training.epochs (" in told
    assert "training.class_weights=balanced ('good' is 20 % of train)" in told
    right = Predictions(np.eye(2, dtype=np.float32)[labels], labels)
    assert doubts(setup, right) == []  # type: ignore[arg-type]
