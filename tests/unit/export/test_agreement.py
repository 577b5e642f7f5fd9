"""A difference is found on every row, and one above the tolerance is an error."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.unit.export.conftest import tiny_model
from transformers import AutoTokenizer, pipeline

from finesweep.errors import FinesweepError
from finesweep.export.agreement import Agreement, compare, require_equal
from finesweep.export.rows import N_ROWS, comparison_rows
from finesweep.prediction import Classifier
from finesweep.prediction.torch_classifier import TorchClassifier
from finesweep.records import DecisionRule

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def classifier(tiny_bert: Path) -> Classifier:
    model, tokenizer = (
        tiny_model(("a", "b"), DecisionRule()),
        AutoTokenizer.from_pretrained(tiny_bert),
    )
    pipe: Any = pipeline("text-classification", model=model, tokenizer=tokenizer)
    return Classifier(pipe, 24, DecisionRule())


def test_rows_without_data_have_all_lengths_and_the_longest(classifier: Classifier) -> None:
    rows = comparison_rows(classifier, None)
    assert len(rows) == N_ROWS
    assert rows == comparison_rows(classifier, None)
    lengths = [len(ids) for ids in classifier.pipeline.tokenizer(rows)["input_ids"]]
    assert min(lengths) < 8
    assert sum(length > 24 for length in lengths) >= 4


def test_one_other_row_is_found(classifier: Classifier, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = comparison_rows(classifier, None)
    other = replace(classifier)
    logits = TorchClassifier.logits

    def wrong(network: TorchClassifier, columns: Any) -> np.ndarray:
        found = logits(network, columns)
        if rows[77] in columns[0] and network.pipeline is other.pipeline and on:
            found[list(columns[0]).index(rows[77])] = [9, -9]
        return found

    on: list[bool] = []
    monkeypatch.setattr(TorchClassifier, "logits", wrong)
    assert compare(classifier, other, rows).difference == pytest.approx(0, abs=1e-6)
    before = classifier.probabilities(rows)
    on.append(True)
    monkeypatch.setattr(Classifier, "probabilities", _first_then(before, Classifier.probabilities))
    found = compare(classifier, other, rows)
    assert found.difference > 0.1
    assert (found.n_rows, found.n_changed <= 1) == (N_ROWS, True)


def _first_then(before: np.ndarray, rest: Any) -> Any:
    calls: list[int] = []

    def probabilities(classifier: Classifier, texts: Any) -> np.ndarray:
        calls.append(1)
        return before if len(calls) == 1 else rest(classifier, texts)

    return probabilities


@pytest.mark.parametrize("difference", [2e-4, float("nan")])
def test_a_difference_above_the_tolerance_is_an_error(difference: float) -> None:
    require_equal(Agreement(200, 24, 9e-5, 0))
    with pytest.raises(FinesweepError, match="predicts otherwise: probabilities differ by up to"):
        require_equal(Agreement(200, 24, difference, 0))
