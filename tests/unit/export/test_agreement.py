"""A difference is found on every row, and one above the tolerance is an error."""

from __future__ import annotations

import copy
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.unit.export.conftest import RULE, tiny_model
from transformers import AutoTokenizer, pipeline

from finesweep.errors import FinesweepError
from finesweep.export.agreement import Agreement, compare, require_equal
from finesweep.export.rows import N_ROWS, comparison_rows
from finesweep.prediction import Classifier
from finesweep.records import DecisionRule

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def classifier(tiny_bert: Path) -> Classifier:
    model, tokenizer = tiny_model(("a", "b"), RULE), AutoTokenizer.from_pretrained(tiny_bert)
    pipe: Any = pipeline("text-classification", model=model, tokenizer=tokenizer)
    return Classifier(pipe, 24, DecisionRule())


def test_rows_without_data_have_all_lengths_and_the_longest(classifier: Classifier) -> None:
    rows = comparison_rows(classifier, None)
    assert len(rows) == N_ROWS
    assert rows == comparison_rows(classifier, None)
    lengths = [len(ids) for ids in classifier.pipeline.tokenizer(rows)["input_ids"]]
    assert min(lengths) < 8
    assert sum(length > 24 for length in lengths) >= 4


def test_differences_and_changed_labels_are_those_of_the_probabilities(
    classifier: Classifier,
) -> None:
    rows = comparison_rows(classifier, None)
    assert compare(classifier, classifier, rows).difference == pytest.approx(0, abs=1e-6)
    softer = replace(classifier, decision_rule=DecisionRule(temperature=2.0))
    found = compare(classifier, softer, rows)
    expected = np.abs(classifier.probabilities(rows) - softer.probabilities(rows)).max()
    assert found.difference == pytest.approx(expected, abs=1e-6)
    assert (found.n_rows, found.n_tokens, found.n_changed) == (N_ROWS, 24, 0)
    head = copy.deepcopy(classifier.pipeline.model)
    head.classifier.weight.data *= -1
    head.classifier.bias.data *= -1
    tokenizer = classifier.pipeline.tokenizer
    turned: Any = pipeline("text-classification", model=head, tokenizer=tokenizer)
    assert compare(classifier, replace(classifier, pipeline=turned), rows).n_changed == N_ROWS


@pytest.mark.parametrize("difference", [2e-4, float("nan")])
def test_a_difference_above_the_tolerance_is_an_error(difference: float) -> None:
    require_equal(Agreement(200, 24, 9e-5, 0))
    with pytest.raises(FinesweepError, match="predicts otherwise: probabilities differ by up to"):
        require_equal(Agreement(200, 24, difference, 0))
