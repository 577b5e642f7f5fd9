"""A model of pairs reads each pair as in training, from logging to attribution."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import mlflow
import pandas as pd
import pytest
import torch
from tests.unit.prediction.conftest import NAMES
from transformers import PreTrainedModel, PreTrainedTokenizerBase, pipeline

from finesweep.config import TrackingConfig
from finesweep.errors import ConfigError
from finesweep.pairs import MARK, PAIR, join_pair, split_pair
from finesweep.prediction import Classifier, load_classifier
from finesweep.prediction.attribution import attribute, log_odds
from finesweep.prediction.tables import predict_table
from finesweep.records import DecisionRule
from finesweep.tracking import TrackingStore, open_store, start_run
from finesweep.tracking.models.classifier import log_classifier

MAX_LENGTH = 16
LONG = "lovely " * 40
TEXTS = [
    join_pair("a lovely day", "great"),
    join_pair(LONG, "awful"),
    join_pair("it", LONG),
    join_pair(LONG, LONG + "dreadful"),
    join_pair("a <b>", "lovely </b>"),
]


@pytest.fixture(scope="module")
def classifier(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase) -> Classifier:
    made = pipeline("text-classification", model=model, tokenizer=tokenizer)
    return Classifier(made, MAX_LENGTH, DecisionRule(pairs=True))


def expected(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, text: str
) -> dict[str, float]:
    """The model's own probabilities for one pair, truncated to MAX_LENGTH tokens."""
    cut = tokenizer(*split_pair(text), truncation=True, max_length=MAX_LENGTH, return_tensors="pt")
    assert cut["token_type_ids"].any()
    with torch.no_grad():
        shares = model(**cut).logits.softmax(-1)[0]
    return dict(zip(NAMES, shares.tolist(), strict=True))


def test_each_pair_is_answered_in_order_as_by_the_model_itself(
    classifier: Classifier, model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase
) -> None:
    answers = list(classifier.predict(TEXTS))
    assert [answer.text for answer in answers] == TEXTS
    for answer in answers:
        wanted = expected(model, tokenizer, answer.text)
        assert answer.probabilities == pytest.approx(wanted, abs=1e-5)


def test_each_side_is_cleaned_by_itself(classifier: Classifier) -> None:
    decision_rule = DecisionRule(pairs=True, clean=("html", "whitespace"))
    cleaning = Classifier(classifier.pipeline, MAX_LENGTH, decision_rule)
    assert cleaning.clean_columns(["x <b" + PAIR + " y</b>  z"]) == [["x <b"], ["y z"]]


def test_a_text_that_is_no_pair_is_refused(classifier: Classifier) -> None:
    with pytest.raises(ValueError, match="'one text' is not a pair of texts"):
        list(classifier.predict(["one text"]))


@pytest.mark.parametrize("label", NAMES)
def test_the_words_of_both_texts_add_what_the_pair_has_over_padding(
    classifier: Classifier, label: str
) -> None:
    text = join_pair("it was a lovely day", "so dreadful")
    inputs = classifier.pipeline.tokenizer(*split_pair(text), return_tensors="pt")
    empty = inputs["input_ids"].clone()
    special = torch.isin(empty, torch.tensor(classifier.pipeline.tokenizer.all_special_ids))
    empty[~special] = classifier.pipeline.model.config.pad_token_id

    def odds(ids: torch.Tensor) -> float:
        types = inputs["token_type_ids"]
        with torch.no_grad():
            logits = classifier.pipeline.model(ids, token_type_ids=types).logits
        return float(log_odds(logits, classifier.label_names.index(label)))

    spans = attribute(classifier, text, label)
    scores = [score for _, score in spans if score is not None]
    assert len(scores) == 7
    whole = odds(inputs["input_ids"]) - odds(empty)
    assert sum(scores) == pytest.approx(whole, rel=0.02, abs=1e-3)


def test_the_spans_are_both_texts_with_the_mark_between(classifier: Classifier) -> None:
    text = join_pair("  lovely,\tday ", "very dreadful " * 20)
    spans = attribute(classifier, text, "good")
    assert "".join(part for part, _ in spans) == text
    assert (PAIR, None) in spans
    assert sum(score is not None for _, score in spans) == MAX_LENGTH - 3
    assert spans[-1][1] is None


def test_rows_are_answered_from_two_columns_and_uncertain_without_one(
    classifier: Classifier,
) -> None:
    rows = pd.DataFrame({"a": ["x", None, "y", "z"], "b": ["great", "u", " ", "awful"]})
    answered = predict_table(classifier, rows, column="a", pair_column="b")
    one, other = classifier.predict([join_pair("x", "great"), join_pair("z", "awful")])
    assert answered["prediction"].tolist() == [one.answer, "UNCERTAIN", "UNCERTAIN", other.answer]
    assert answered["probability/good"].isna().tolist() == [False, True, True, False]


def test_a_row_that_holds_the_mark_is_a_mistake(classifier: Classifier) -> None:
    rows = pd.DataFrame({"a": ["x"], "b": [f"great {MARK}"]})
    with pytest.raises(ConfigError, match=rf"^column 'b': contains '{MARK}' in 'great {MARK}'"):
        predict_table(classifier, rows, column="a", pair_column="b")


@pytest.mark.slow  # a model is logged and loaded back
@pytest.mark.filterwarnings("ignore:.*Any type hint is inferred as AnyType:UserWarning")
def test_a_logged_model_of_pairs_knows_what_it_reads(
    tmp_path: Path, model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase
) -> None:
    store: TrackingStore = open_store(
        TrackingConfig(uri=f"sqlite:///{tmp_path / 'm.db'}", artifacts=str(tmp_path / "artifacts"))
    )
    model.config.finesweep = asdict(DecisionRule(pairs=True))
    run = start_run(store, name="pairs")
    examples = TEXTS[:2]
    uri = log_classifier(
        run, model, tokenizer, max_length=MAX_LENGTH, examples=examples, pairs=True
    )
    del model.config.finesweep
    loaded = load_classifier(uri, tracking_uri=store.uri)
    assert loaded.decision_rule.pairs
    assert loaded.examples == tuple(examples)
    for answer in loaded.predict(TEXTS):
        wanted = expected(model, tokenizer, answer.text)
        assert answer.probabilities == pytest.approx(wanted, abs=1e-5)
    columns = [dict(zip(("text", "text_pair"), split_pair(text), strict=True)) for text in TEXTS]
    answered = mlflow.pyfunc.load_model(uri).predict(pd.DataFrame(columns))
    wanted_labels = [answer.label for answer in loaded.predict(TEXTS)]
    assert answered["label"].tolist() == wanted_labels
