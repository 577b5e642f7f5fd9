"""A model card says how to call the model, and no way by which it would predict something else."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.unit.export.conftest import MAX_LENGTH, tiny_model

from finesweep.export.agreement import Agreement
from finesweep.export.card import folder_card
from finesweep.export.conversion import Conversion
from finesweep.export.source import Source
from finesweep.model.settings.pooling import set_pooling
from finesweep.prediction import Classifier
from finesweep.prediction.classifier import LoadedModel
from finesweep.records import DecisionRule
from finesweep.runs.latency import Latency

pytestmark = pytest.mark.slow

PLAIN = DecisionRule()
PIPELINE = 'pipeline("text-classification", "own")'
ELSE = "Transformers and MLflow alone leave that out, and predict something else."


def card(rule: DecisionRule = PLAIN, *, pooling: str | None = None, hub: str | None = None) -> str:
    """Of a folder, or a repository of the Hub, in Transformers' own format."""
    model = tiny_model(("bad", "good"), rule)
    if pooling is not None:
        set_pooling(model, pooling, name="tiny")
    classifier = Classifier(LoadedModel(model, None), MAX_LENGTH, rule)
    same, latency = Agreement(200, MAX_LENGTH, 0.0, 0), Latency(1.0, 1.0, 1.0, 1.0)
    conversion = Conversion(
        Path("own"), classifier, "safetensors", None, same, same, latency, latency, 10, ()
    )
    source, is_on_hub = Source("own", classifier, None, None, None), hub is not None
    return folder_card(source, conversion, where=hub or "own", is_on_hub=is_on_hub)


def test_a_model_that_transformers_runs_alike_has_its_pipeline() -> None:
    text = card()
    assert PIPELINE in text
    assert 'classify("a text", truncation=True)' in text
    assert ELSE not in text


def test_a_model_on_the_hub_is_downloaded_before_finesweep_reads_it() -> None:
    text = card(hub="me/films")
    assert "    hf download me/films --local-dir films\n    finesweep predict --model films" in text
    assert 'pipeline("text-classification", "me/films")' in text


def test_of_several_labels_the_pipeline_is_asked_for_all() -> None:
    text = card(DecisionRule(label_thresholds=[0.5, 0.4]))
    assert "truncation=True, top_k=None)" in text
    assert "- finesweep predicts bad from 0.500, good from 0.400\n" in text


def test_the_decision_rule_is_told() -> None:
    text = card(DecisionRule(temperature=1.5, decision_threshold=0.37, uncertain_below=0.6))
    assert "- finesweep divides logits by a temperature of 1.500\n" in text
    assert "- finesweep predicts good from 0.370\n" in text
    assert "- finesweep answers UNCERTAIN below 0.600\n" in text


@pytest.mark.parametrize(
    ("rule", "pooling", "said"),
    [
        (PLAIN, "mean", "its head reads the mean of the token states (model.pooling)."),
        (DecisionRule(clean=("html", "encoding")), None, "(dataset.clean: html, encoding)."),
        (DecisionRule(clean=("html",)), "cls", "(model.pooling) and its texts are cleaned first"),
    ],
)
def test_what_only_finesweep_does_is_told_in_place_of_a_pipeline(
    rule: DecisionRule, pooling: str | None, said: str
) -> None:
    text = card(rule, pooling=pooling)
    assert said in text
    assert ELSE in text
    assert "finesweep predict --model own TEXT" in text
    assert PIPELINE not in text
