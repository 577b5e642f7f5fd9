"""An untrained tiny BERT, served as a model of single texts and as one of pairs."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from transformers import AutoModelForSequenceClassification, AutoTokenizer, pipeline

from finesweep.pairs import join_pair
from finesweep.prediction import Classifier
from finesweep.records import DecisionRule
from finesweep.serving.card import Card
from finesweep.serving.service import Service

NAMES = ("bad", "plain", "good")


@pytest.fixture(scope="package")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """For files of predictions."""
    return tmp_path_factory.mktemp("served")


@pytest.fixture(scope="package")
def pairs(tiny_bert: Path, folder: Path) -> Service:
    torch.manual_seed(1)
    model = AutoModelForSequenceClassification.from_pretrained(
        tiny_bert,
        num_labels=3,
        id2label=dict(enumerate(NAMES)),
        label2id={name: index for index, name in enumerate(NAMES)},
        ignore_mismatched_sizes=True,
    )
    tokenizer = AutoTokenizer.from_pretrained(tiny_bert)
    made = pipeline("text-classification", model=model.eval(), tokenizer=tokenizer)
    examples = (join_pair("a day", "lovely"), join_pair("it was", "awful"))
    return Service(
        Classifier(made, 16, DecisionRule(pairs=True), examples),
        Card("of pairs", "models:/p/1", "1"),
        folder,
    )


@pytest.fixture(scope="package")
def texts(pairs: Service) -> Service:
    made = Classifier(
        pairs.classifier.pipeline, 16, DecisionRule(), ("a lovely day", "it was awful")
    )
    return Service(made, Card("of texts", "models:/t/1", "1"), pairs.folder)


@pytest.fixture(scope="package")
def several(pairs: Service) -> Service:
    """A model of several labels, each with its own threshold."""
    rule = DecisionRule(label_thresholds=[0.05, 0.95, 0.05])
    made = Classifier(pairs.classifier.pipeline, 16, rule, ("a lovely day", "it was awful"))
    return Service(made, Card("of several labels", "models:/s/1", "1"), pairs.folder)


@pytest.fixture(scope="package")
def services(pairs: Service, texts: Service) -> dict[str, Service]:
    return {"pairs": pairs, "texts": texts}
