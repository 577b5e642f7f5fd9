"""A logged ensemble predicts as its members together, by finesweep and by MLflow alone."""

from __future__ import annotations

import copy

import mlflow
import numpy as np
import pytest
import torch
from tests.unit.prediction.conftest import NAMES
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from finesweep.model import Ensemble
from finesweep.prediction import Classifier, load_classifier
from finesweep.prediction.attribution import attribute, log_odds
from finesweep.records import ANSWERING_KEY
from finesweep.tracking import TrackingStore, start_run
from finesweep.tracking.models.ensemble import CODE, log_ensemble

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:.*Any type hint is inferred as AnyType:UserWarning"),
]
TEXTS = ["lovely great day", "dull", "a table 🙂\nand a window " * 30]


@pytest.fixture(scope="module")
def members(model: PreTrainedModel) -> list[PreTrainedModel]:
    made = [copy.deepcopy(model) for _ in range(2)]
    for seed, member in enumerate(made):
        torch.manual_seed(seed)
        member.classifier.weight.data.normal_()
        member.bert.embeddings.word_embeddings.weight.data += 0.05 * seed
    return made


@pytest.fixture(scope="module")
def uri(
    store: TrackingStore, members: list[PreTrainedModel], tokenizer: PreTrainedTokenizerBase
) -> str:
    ensemble = Ensemble(members)
    setattr(ensemble.config, ANSWERING_KEY, {"temperature": 2.0, "uncertain_below": 0.4})
    run = start_run(store, name="ensemble")
    own = {"max_length": 24, "examples": ["a", "b c"], "origin": "tiny"}
    return log_ensemble(run, ensemble, copy.deepcopy(tokenizer), **own)


@pytest.fixture(scope="module")
def classifier(uri: str, store: TrackingStore) -> Classifier:
    return load_classifier(uri, tracking_uri=store.uri)


def expected(members: list[PreTrainedModel], tokenizer: PreTrainedTokenizerBase) -> np.ndarray:
    """[N, C] mean probabilities, uncalibrated."""
    rows = []
    for text in TEXTS:
        inputs = tokenizer(text, truncation=True, max_length=24, return_tensors="pt")
        with torch.no_grad():
            each = [member(**inputs).logits.softmax(-1)[0] for member in members]
        rows.append(torch.stack(each).mean(dim=0).numpy())
    return np.stack(rows)


def test_it_is_loaded_with_its_rule_and_predicts_the_mean(
    classifier: Classifier, members: list[PreTrainedModel], tokenizer: PreTrainedTokenizerBase
) -> None:
    assert (classifier.max_length, classifier.examples) == (24, ("a", "b c"))
    assert classifier.decision_rule.uncertain_below == 0.4
    means = expected(members, tokenizer)
    scaled = np.sqrt(means) / np.sqrt(means).sum(axis=1, keepdims=True)  # temperature 2
    assert classifier.probabilities(TEXTS) == pytest.approx(scaled, abs=1e-5)
    answers = classifier.predict(TEXTS)
    assert [answer.label for answer in answers] == [NAMES[k] for k in means.argmax(axis=1)]


def test_mlflow_predicts_the_same_by_code_that_needs_no_finesweep(
    uri: str, members: list[PreTrainedModel], tokenizer: PreTrainedTokenizerBase
) -> None:
    assert "import finesweep" not in CODE.read_text(encoding="utf-8")
    assert "from finesweep" not in CODE.read_text(encoding="utf-8")
    frame = mlflow.pyfunc.load_model(uri).predict(TEXTS)
    means = expected(members, tokenizer)
    assert list(frame.columns) == ["label", "score"]
    assert frame["label"].tolist() == [NAMES[k] for k in means.argmax(axis=1)]
    assert frame["score"].tolist() == pytest.approx(means.max(axis=1).tolist(), abs=1e-5)


def test_words_together_add_what_a_text_has_over_padding(classifier: Classifier) -> None:
    model, tokenizer = classifier.pipeline.model, classifier.pipeline.tokenizer
    ids = tokenizer("it was a lovely day", return_tensors="pt")["input_ids"]
    empty = ids.clone()
    empty[0, 1:-1] = model.config.pad_token_id
    with torch.no_grad():
        whole, none = (float(log_odds(model(input_ids=each).logits, 2)) for each in (ids, empty))
    scores = [score for _, score in attribute(classifier, "it was a lovely day", "good") if score]
    assert sum(scores) == pytest.approx(whole - none, rel=0.02, abs=1e-3)
