"""The words behind the winner's wrong predictions, which its run keeps for the report."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from finesweep.prediction import Classifier
from finesweep.prediction.attribution import attribute
from finesweep.prediction.classifier import LoadedModel
from finesweep.records import Span, TestResult
from finesweep.runs.run_logging import Setup
from finesweep.tracking import Run

N_ERRORS = 20
"""Wrong predictions, the most confident, that are explained."""
N_WORDS = 4
"""Words of each."""


def log_telling_words(run: Run, setup: Setup, test: TestResult) -> None:
    """Logs test/error_words.json, as explained_errors."""
    asked = LoadedModel(setup.model, setup.tokens.tokenizer)
    # The rows' texts are clean already.
    rule = replace(test.decision_rule, clean=())
    classifier = Classifier(asked, setup.tokens.max_length, rule)
    explained = explained_errors(classifier, test)
    run.log_text(json.dumps(explained, ensure_ascii=False), "test/error_words.json")


def explained_errors(classifier: Classifier, test: TestResult) -> list[dict[str, Any]]:
    """Of the most confident wrong predictions the `row`, and the `words` that speak most for its
    wrong label: pairs of a word and its contribution to the label's log-odds."""
    explained = []
    for error in test.errors[:N_ERRORS]:
        row = int(error["row"])
        label, is_missed = wrong_label(test.predictions.logits[row], test.predictions.labels[row])
        spans = attribute(classifier, str(error["text"]), classifier.label_names[label])
        explained.append({"row": row, "words": telling_words(spans, sign=-1 if is_missed else 1)})
    return explained


def wrong_label(logits: np.ndarray, truth: np.ndarray) -> tuple[int, bool]:
    """The class that a wrong prediction gives, and whether it is a label that the prediction lacks.

    logits are [C]; truth is a class, or [C] of 0 and 1 for several labels: then it is the label
    that is wrong with the highest confidence.
    """
    if truth.ndim == 0:
        return int(logits.argmax()), False
    label = int(np.where(truth == 1, -logits, logits).argmax())
    return label, bool(truth[label] == 1)


def telling_words(spans: Sequence[Span], *, sign: int = 1) -> list[tuple[str, float]]:
    """The words that contribute most in the sign's direction, largest first, and how much: of equal
    words the sum."""
    totals: dict[str, float] = {}
    for word, score in spans:
        if score is not None:
            totals[word] = totals.get(word, 0.0) + sign * score
    largest = sorted(totals.items(), key=lambda pair: -pair[1])[:N_WORDS]
    return [(word, round(score, 3)) for word, score in largest if score > 0]
