"""A model of several labels predicts all that apply, from logging to tables."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import mlflow
import numpy as np
import pandas as pd
import pytest
import torch
from tests.unit.prediction.conftest import NAMES
from transformers import PreTrainedModel, PreTrainedTokenizerBase, pipeline

from finesweep.config import ModelConfig, TrackingConfig
from finesweep.model import load_model
from finesweep.prediction import Classifier, load_classifier
from finesweep.prediction.attribution import attribute
from finesweep.prediction.tables import predict_table
from finesweep.records import UNCERTAIN, DecisionRule
from finesweep.tracking import open_store, start_run
from finesweep.tracking.models.classifier import log_classifier

MAX_LENGTH = 16
TEXTS = ["a lovely day", "lovely " * 40, "it was awful", "dull film"]


@pytest.fixture(scope="module")
def several(tiny_bert: Path) -> PreTrainedModel:
    made = load_model(ModelConfig(str(tiny_bert)), label_names=NAMES, multi_label=True, seed=1)
    with torch.no_grad():
        made.classifier.weight *= 20  # or all probabilities lie about a half
    return made.eval()


@pytest.fixture(scope="module")
def shares(several: PreTrainedModel, tokenizer: PreTrainedTokenizerBase) -> np.ndarray:
    """The model's own probabilities, [N, C]."""
    made = []
    for text in TEXTS:
        cut = tokenizer(text, truncation=True, max_length=MAX_LENGTH, return_tensors="pt")
        with torch.no_grad():
            made.append(several(**cut).logits.sigmoid()[0].numpy())
    return np.array(made)


@pytest.fixture(scope="module")
def classifier(
    several: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, shares: np.ndarray
) -> Classifier:
    made = pipeline("text-classification", model=several, tokenizer=tokenizer)
    thresholds = [float(np.sort(column)[1:3].mean()) for column in shares.T]
    return Classifier(made, MAX_LENGTH, DecisionRule(label_thresholds=thresholds))


def test_the_answer_is_every_label_that_reaches_its_threshold(
    classifier: Classifier, shares: np.ndarray
) -> None:
    thresholds = classifier.decision_rule.label_thresholds
    assert thresholds is not None
    answers = list(classifier.predict(TEXTS))
    for answer, row in zip(answers, shares, strict=True):
        held = row >= thresholds
        labels = tuple(name for name, holds in zip(NAMES, held, strict=True) if holds)
        assert answer.labels == labels
        assert answer.label == answer.answer == (", ".join(labels) or "none")
        known = dict(zip(NAMES, row.tolist(), strict=True))
        assert answer.probabilities == pytest.approx(known, abs=1e-5)
        assert answer.probability == pytest.approx(np.where(held, row, 1 - row).prod(), abs=1e-5)
    # By construction two of four texts reach each threshold.
    assert sum(len(answer.labels or ()) for answer in answers) == 6


def test_it_is_uncertain_only_below_a_threshold_that_is_given(classifier: Classifier) -> None:
    assert all(answer.sure for answer in classifier.predict(TEXTS))
    sure = [answer.probability for answer in classifier.predict(TEXTS)]
    least = float(np.median(sure))
    answers = list(classifier.predict(TEXTS, uncertain_below=least))
    assert [answer.answer == UNCERTAIN for answer in answers] == [each < least for each in sure]


def test_a_table_has_a_column_of_yes_and_no_for_each_label(classifier: Classifier) -> None:
    rows = pd.DataFrame({"text": [*TEXTS, None]}, index=[3, 1, 4, 9, 7])
    answered = predict_table(classifier, rows, column="text")
    made = list(classifier.predict(TEXTS))
    assert answered["prediction"].tolist() == [*(each.label for each in made), UNCERTAIN]
    assert answered["uncertain"].tolist() == [False] * 4 + [True]
    for name in NAMES:
        column = answered[f"prediction/{name}"]
        assert column.iloc[:4].tolist() == [int(name in (each.labels or ())) for each in made]
        assert column.iloc[4] is pd.NA
    unsure = predict_table(classifier, rows, column="text", uncertain_below=1.0)
    assert unsure["uncertain"].all()
    pd.testing.assert_frame_equal(
        unsure.drop(columns="uncertain"), answered.drop(columns="uncertain")
    )


def test_words_add_what_the_text_has_over_padding_to_the_logit(
    classifier: Classifier, several: PreTrainedModel
) -> None:
    ids = classifier.pipeline.tokenizer(TEXTS[0], return_tensors="pt")["input_ids"]
    empty = ids.clone()
    empty[0, 1:-1] = several.config.pad_token_id
    with torch.no_grad():
        whole = (several(ids).logits - several(empty).logits)[0]
    for c, name in enumerate(NAMES):
        scores = [score for _, score in attribute(classifier, TEXTS[0], name) if score is not None]
        assert sum(scores) == pytest.approx(float(whole[c]), rel=0.02, abs=5e-3)


@pytest.mark.slow  # a model is logged and loaded back
@pytest.mark.filterwarnings("ignore:.*Any type hint is inferred as AnyType:UserWarning")
def test_a_logged_model_answers_as_before_and_pyfunc_gives_all_labels(
    tmp_path: Path,
    several: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    classifier: Classifier,
) -> None:
    database, artifacts = f"sqlite:///{tmp_path / 'm.db'}", str(tmp_path / "artifacts")
    store = open_store(TrackingConfig(uri=database, artifacts=artifacts))
    several.config.finesweep = asdict(classifier.decision_rule)
    run = start_run(store, name="several labels")
    uri = log_classifier(run, several, tokenizer, max_length=MAX_LENGTH, examples=TEXTS[:2])
    del several.config.finesweep
    loaded = load_classifier(uri, tracking_uri=store.uri)
    assert loaded.multi_label
    assert loaded.decision_rule.label_thresholds == classifier.decision_rule.label_thresholds
    wanted = list(classifier.predict(TEXTS))
    for found, own in zip(loaded.predict(TEXTS), wanted, strict=True):
        assert found.labels == own.labels
        assert found.probabilities == pytest.approx(own.probabilities, abs=1e-5)
    told = mlflow.pyfunc.load_model(uri).predict(TEXTS)
    for row, own in zip(told.to_numpy().tolist(), wanted, strict=True):
        shares = {each["label"]: each["score"] for each in row}
        assert shares == pytest.approx(own.probabilities, abs=1e-5)
