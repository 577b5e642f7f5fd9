"""A logged model predicts as it was evaluated: same order, truncation and probabilities."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import mlflow
import numpy as np
import pandas as pd
import pytest
import torch
from scipy.special import softmax
from tests.unit.prediction.conftest import NAMES
from transformers import (
    AutoModelForSequenceClassification,
    AutoTokenizer,
    PreTrainedModel,
    PreTrainedTokenizerBase,
    pipeline,
)

from finesweep.errors import ConfigError
from finesweep.prediction import Classifier, load_classifier
from finesweep.prediction.classifier import BATCH_SIZE
from finesweep.records import DecisionRule
from finesweep.tracking import TrackingStore, start_run
from finesweep.tracking.models.classifier import log_classifier

# MLflow's own, when it first loads what it logs models with.
pytestmark = [
    pytest.mark.slow,  # a model is logged and loaded back
    pytest.mark.filterwarnings("ignore:.*Any type hint is inferred as AnyType:UserWarning"),
]

MAX_LENGTH = 24
LONG = " ".join(f"word{number}" for number in range(800))
TEXTS = ["lovely great day", "dull", LONG, "awful", "a table 🙂\nand\ta window", LONG + " dreadful"]


@pytest.fixture(scope="module")
def uri(store: TrackingStore, model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase) -> str:
    run = start_run(store, name="predicted")
    return log_classifier(run, model, tokenizer, max_length=MAX_LENGTH, examples=["a", "b c"])


@pytest.fixture(scope="module")
def classifier(uri: str, store: TrackingStore) -> Classifier:
    return load_classifier(uri, tracking_uri=store.uri)


@pytest.fixture(scope="module")
def expected(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase
) -> Callable[[str], dict[str, float]]:
    """The model's own probabilities for one text, truncated to MAX_LENGTH tokens."""

    def probabilities(text: str) -> dict[str, float]:
        cut = tokenizer(text, truncation=True, max_length=MAX_LENGTH, return_tensors="pt")
        with torch.no_grad():
            shares = model(**cut).logits.softmax(-1)[0]
        return dict(zip(NAMES, shares.tolist(), strict=True))

    return probabilities


def test_a_loaded_model_knows_the_length_that_it_was_trained_with(classifier: Classifier) -> None:
    assert classifier.max_length == MAX_LENGTH
    assert classifier.pipeline.tokenizer.model_max_length == MAX_LENGTH


def test_each_text_is_answered_in_order_as_by_the_model_itself(
    classifier: Classifier, expected: Callable[[str], dict[str, float]]
) -> None:
    answers = list(classifier.predict(TEXTS))
    assert [answer.text for answer in answers] == TEXTS
    for answer in answers:
        assert answer.probabilities == pytest.approx(expected(answer.text), abs=1e-5)


def test_texts_are_cleaned_as_those_were_that_the_model_learned_from(
    classifier: Classifier, expected: Callable[[str], dict[str, float]]
) -> None:
    rule = DecisionRule(clean=("html", "whitespace"))
    (answer,) = replace(classifier, decision_rule=rule).predict(["lovely<br />great &amp; day"])
    assert answer.text == "lovely<br />great &amp; day"
    assert answer.probabilities == pytest.approx(expected("lovely great & day"), abs=1e-5)
    assert answer.probabilities != pytest.approx(expected(answer.text), abs=1e-5)


def test_the_label_is_the_likeliest_and_probabilities_sum_to_one(classifier: Classifier) -> None:
    for answer in classifier.predict(TEXTS):
        assert sum(answer.probabilities.values()) == pytest.approx(1, abs=1e-5)
        assert set(answer.probabilities) == set(NAMES)
        assert answer.probability == max(answer.probabilities.values())
        assert answer.probabilities[answer.label] == answer.probability
        assert next(iter(answer.probabilities)) == answer.label


def test_texts_that_differ_beyond_the_length_are_answered_alike(classifier: Classifier) -> None:
    first, second = classifier.predict([LONG, LONG + " dreadful"])
    assert first.probabilities == pytest.approx(second.probabilities, abs=1e-6)


def test_more_texts_than_a_batch_stay_in_order(
    classifier: Classifier, expected: Callable[[str], dict[str, float]]
) -> None:
    texts = [f"{'very ' * (number % 7)}{number}" for number in range(2 * BATCH_SIZE + 3)]
    answers = list(classifier.predict(texts))
    assert [answer.text for answer in answers] == texts
    last = answers[-1]
    assert last.probabilities == pytest.approx(expected(last.text), abs=1e-5)


def test_a_model_answers_by_the_temperature_and_thresholds_in_its_config(
    store: TrackingStore,
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    expected: Callable[[str], dict[str, float]],
) -> None:
    plain = np.log(np.array([[expected(text)[name] for name in NAMES] for text in TEXTS]))
    halved = softmax(plain / 0.5, axis=1)
    least = float(np.median(halved.max(axis=1)))
    model.config.finesweep = asdict(DecisionRule(temperature=0.5, uncertain_below=least))
    run = start_run(store, name="calibrated")
    uri = log_classifier(run, model, tokenizer, max_length=MAX_LENGTH, examples=["a"])
    del model.config.finesweep
    loaded = load_classifier(uri, tracking_uri=store.uri)
    answers = list(loaded.predict(TEXTS))
    for answer, shares in zip(answers, halved, strict=True):
        wanted = dict(zip(NAMES, shares.tolist(), strict=True))
        assert answer.probabilities == pytest.approx(wanted, abs=1e-5)
        if abs(shares.max() - least) > 1e-4:
            assert answer.sure is bool(shares.max() > least)
    assert {True, False} == {answer.sure for answer in answers}
    assert all(answer.sure for answer in loaded.predict(TEXTS, uncertain_below=0.0))


def test_the_second_of_two_labels_is_answered_from_its_threshold_on(tiny_bert: Path) -> None:
    torch.manual_seed(1)
    names = {0: "no", 1: "yes"}
    model = AutoModelForSequenceClassification.from_pretrained(tiny_bert, id2label=names).eval()
    pipe = pipeline(
        "text-classification", model=model, tokenizer=AutoTokenizer.from_pretrained(tiny_bert)
    )
    shares = Classifier(pipe, MAX_LENGTH, DecisionRule()).probabilities(TEXTS[:5])[:, 1]
    threshold = float(np.sort(shares)[-2:].mean())  # the greatest alone lies above it
    made = Classifier(pipe, MAX_LENGTH, DecisionRule(decision_threshold=threshold)).predict(
        TEXTS[:5]
    )
    labels = [answer.label for answer in made]
    assert labels.count("yes") == 1
    assert labels[int(shares.argmax())] == "yes"


def test_a_label_far_from_the_likeliest_is_sure_by_its_own_probability(tiny_bert: Path) -> None:
    model = AutoModelForSequenceClassification.from_pretrained(
        tiny_bert, id2label={0: "no", 1: "yes"}
    ).eval()
    pipe = pipeline(
        "text-classification", model=model, tokenizer=AutoTokenizer.from_pretrained(tiny_bert)
    )
    shares = Classifier(pipe, MAX_LENGTH, DecisionRule()).probabilities(TEXTS[:1])[0]
    other, most = int(shares.argmin()), float(shares.max())
    between = (float(shares.min()) + most) / 2
    rule = DecisionRule(uncertain_below=between, decision_threshold=0.0 if other else 1.0)
    (made,) = Classifier(pipe, MAX_LENGTH, rule).predict(TEXTS[:1])
    assert (made.label, made.sure) == (["no", "yes"][other], False)
    assert made.probability == pytest.approx(shares.min())
    (made,) = Classifier(pipe, MAX_LENGTH, rule).predict(
        TEXTS[:1], uncertain_below=float(shares.min()) - 0.01
    )
    assert made.sure


@pytest.mark.parametrize("text", ["", " \n\t", None, "\u200b", "\x00\x07", "<br>&nbsp;"])
def test_where_there_is_nothing_to_read_there_is_no_label(
    classifier: Classifier, text: str | None
) -> None:
    cleaning = replace(classifier, decision_rule=DecisionRule(clean=("html", "whitespace")))
    first, answer, last = cleaning.predict(["a day", text, "awful"])
    assert (answer.text, answer.label, answer.answer) == (text, "UNCERTAIN", "UNCERTAIN")
    assert (answer.probability, answer.probabilities, answer.sure) == (None, {}, False)
    assert [each.text for each in (first, last)] == ["a day", "awful"]
    assert [first.probabilities, last.probabilities] == [
        pytest.approx(each.probabilities, abs=1e-6) for each in cleaning.predict(["a day", "awful"])
    ]


def test_a_column_or_anything_that_yields_texts_is_answered(classifier: Classifier) -> None:
    column = pd.read_csv(io.StringIO("text,n\ngood,1\n,2\nbad,3\n"))["text"]
    expected = classifier.predict(["good", None, "bad"])
    assert classifier.predict(column) == expected
    assert classifier.predict(column.astype("string")) == expected
    assert classifier.predict(text for text in ["good", None, "bad"]) == expected


@pytest.mark.parametrize(
    ("texts", "told"),
    [
        ("good", r"predict takes several texts; \[text\] for one"),
        (pd.DataFrame({"text": ["good"]}), r'takes a column of texts, such as table\["text"\]'),
        (["good", 3.5], "text 2 is no text but float: 3.5"),
        ([["good"]], "text 1 is no text but list"),
    ],
)
def test_what_is_no_list_of_texts_is_refused(classifier: Classifier, texts: Any, told: str) -> None:
    with pytest.raises(TypeError, match=told):
        classifier.predict(texts)


def test_a_threshold_is_a_number(classifier: Classifier) -> None:
    with pytest.raises(ValueError, match=r"from 0 to 1; '0\.5' given"):
        classifier.uncertain_below("0.5")  # type: ignore[arg-type]
    assert classifier.uncertain_below(np.float32(0.5)).decision_rule.uncertain_below == 0.5


def test_a_threshold_is_a_probability(classifier: Classifier) -> None:
    for call in (classifier.uncertain_below, lambda t: classifier.predict([], uncertain_below=t)):
        with pytest.raises(ValueError, match=r"from 0 to 1; 1\.5 given"):
            call(1.5)


def test_an_answer_says_whether_its_text_was_cut(classifier: Classifier) -> None:
    fits = " ".join(["day"] * (MAX_LENGTH - 2))  # two special tokens
    answers = classifier.predict([fits, f"{fits} day", LONG, "", "\u200b" * 1000])
    assert [each.truncated for each in answers] == [False, True, True, False, False]


def test_the_label_stands_there_whether_the_model_is_sure_or_not(classifier: Classifier) -> None:
    sure = list(classifier.predict(TEXTS, uncertain_below=0.0))
    unsure = list(classifier.predict(TEXTS, uncertain_below=1.0))
    assert [each.answer for each in unsure] == ["UNCERTAIN"] * len(TEXTS)
    assert [replace(each, sure=True) for each in unsure] == sure


def test_no_text_is_no_answer(classifier: Classifier) -> None:
    assert list(classifier.predict([])) == []


def test_a_plain_pyfunc_cuts_at_the_same_length(
    uri: str, classifier: Classifier, store: TrackingStore
) -> None:
    mlflow.set_tracking_uri(store.uri)
    answered = mlflow.pyfunc.load_model(uri).predict([LONG, "awful"])
    wanted = list(classifier.predict([LONG, "awful"]))
    assert answered["label"].tolist() == [answer.label for answer in wanted]
    assert answered["score"].tolist() == pytest.approx([a.probability for a in wanted], abs=1e-5)


def test_a_model_is_kept_as_safetensors_only(uri: str, store: TrackingStore) -> None:
    mlflow.set_tracking_uri(store.uri)
    folder = Path(mlflow.artifacts.download_artifacts(uri))
    suffixes = {path.suffix for path in folder.rglob("*") if path.is_file()}
    assert ".safetensors" in suffixes
    assert not suffixes & {".bin", ".pt", ".pth", ".pkl", ".pickle"}
    requirements = (folder / "requirements.txt").read_text().split()
    assert [line.split("==")[0] for line in requirements] == [
        "mlflow",
        "torch",
        "transformers",
        "safetensors",
        "accelerate",
    ]
    assert "+" not in "".join(requirements)


def test_a_model_in_a_folder_is_loaded_too(uri: str, store: TrackingStore) -> None:
    mlflow.set_tracking_uri(store.uri)
    folder = mlflow.artifacts.download_artifacts(uri)
    classifier = load_classifier(folder, tracking_uri=store.uri)
    assert classifier.max_length == MAX_LENGTH


HINT = "; a model is named models:/NAME@ALIAS, models:/NAME/VERSION or runs:/RUN_ID/model"


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("models:/unknown@champion", ""),
        ("models:/unknown/1", ""),
        ("runs:/0123456789abcdef0123456789abcdef/model", ""),
        ("tweets-sentiment", HINT),
        ("no/such/folder", HINT),
    ],
)
def test_a_model_that_is_not_there_is_named(
    store: TrackingStore, workplace: Path, name: str, hint: str
) -> None:
    with pytest.raises(ConfigError, match=rf"^--model: '{name}': \S") as caught:
        load_classifier(name, tracking_uri=store.uri)
    assert str(caught.value).endswith(hint)
    assert (HINT in str(caught.value)) is bool(hint)


def test_a_folder_that_holds_no_model_is_named(store: TrackingStore, workplace: Path) -> None:
    (workplace / "a" / "folder").mkdir(parents=True)
    with pytest.raises(ConfigError, match=r"^--model: 'a/folder': .*MLmodel"):
        load_classifier("a/folder", tracking_uri=store.uri)


def test_a_classifier_carries_its_examples(classifier: Classifier) -> None:
    assert classifier.examples == ("a", "b c")
