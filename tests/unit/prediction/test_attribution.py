"""Attributions of words, which sum to the difference in log-odds."""

from __future__ import annotations

import pytest
import torch
from tests.unit.prediction.conftest import NAMES
from transformers import PreTrainedModel, PreTrainedTokenizerBase, pipeline

from finesweep.prediction import Classifier
from finesweep.prediction.attribution import attribute, log_odds
from finesweep.records import DecisionRule


@pytest.fixture(scope="module")
def classifier(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase) -> Classifier:
    made = pipeline("text-classification", model=model, tokenizer=tokenizer)
    return Classifier(made, 12, DecisionRule())


def odds(classifier: Classifier, ids: torch.Tensor, label: str) -> float:
    with torch.no_grad():
        logits = classifier.pipeline.model(ids).logits
    return float(log_odds(logits, classifier.label_names.index(label)))


@pytest.mark.parametrize("label", NAMES)
def test_all_words_together_add_what_the_text_has_over_padding(
    classifier: Classifier, label: str
) -> None:
    text = "it was a lovely day"
    ids = classifier.pipeline.tokenizer(text, return_tensors="pt")["input_ids"]
    empty = ids.clone()
    empty[0, 1:-1] = classifier.pipeline.model.config.pad_token_id
    whole = odds(classifier, ids, label) - odds(classifier, empty, label)
    scores = [score for _, score in attribute(classifier, text, label) if score is not None]
    assert sum(scores) == pytest.approx(whole, rel=0.02, abs=1e-3)
    assert max(map(abs, scores)) > 1e-3


def test_the_spans_are_the_text(classifier: Classifier) -> None:
    text = "  lovely,\tdreadful day 🙂 "
    spans = attribute(classifier, text, "good")
    assert "".join(part for part, _ in spans) == text
    assert all(score is None for part, score in spans if not part.strip())
    assert {part for part, score in spans if score is not None} >= {"lovely", "day"}


def test_what_the_model_does_not_read_has_no_score(classifier: Classifier) -> None:
    text = "day " * 40
    spans = attribute(classifier, text, "good")
    assert "".join(part for part, _ in spans) == text
    assert sum(score is not None for _, score in spans) == classifier.max_length - 2
    assert spans[-1][1] is None


def test_a_text_without_words_has_no_scores(classifier: Classifier) -> None:
    assert attribute(classifier, "", "good") == []
    assert attribute(classifier, "  ", "good") == [("  ", None)]


def test_the_model_is_left_as_it_was(classifier: Classifier) -> None:
    attribute(classifier, "it was lovely", "good")
    model = classifier.pipeline.model
    assert not model.training
    assert all(parameter.grad is None for parameter in model.parameters())
