"""A tiny registered model with its run and data, and its exports, made once a session: each traces
the model, which takes seconds."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
import torch
from tests.tiny_bert import minilm_tokenizer, tiny_config
from transformers import BertForSequenceClassification

from finesweep.api.exporting.export import run_export
from finesweep.api.exporting.request import Request
from finesweep.api.results import ModelExport
from finesweep.config import Config, compose
from finesweep.records import ANSWERING_KEY, DecisionRule, Finalist, Predictions
from finesweep.registry import versions
from finesweep.registry.rescoring import recorded_dataset
from finesweep.runs.test_evaluation import write_test_scores
from finesweep.tracking import TEST_FINGERPRINT, TrackingStore, open_store, start_run
from finesweep.tracking.models.classifier import log_classifier

MAX_LENGTH = 24
NAME = "exported"
RULE = DecisionRule(temperature=1.5, uncertain_below=0.4)


@pytest.fixture(scope="session")
def config(session_store: TrackingStore, tmp_path_factory: pytest.TempPathFactory) -> Config:
    """The session's store; the gate locks in its database, and asks nothing of single classes."""
    folder = tmp_path_factory.mktemp("export")
    return compose(
        [
            f"tracking.uri={session_store.uri}",
            f"tracking.artifacts={folder}/artifacts",
            f"storage.url=sqlite:///{folder}/optuna.db",
            "registry.recall_loss=null",
        ]
    ).config


def tiny_model(names: tuple[str, ...], rule: DecisionRule) -> BertForSequenceClassification:
    """One layer, whose head is large enough that labels differ from text to text."""
    torch.manual_seed(3)
    config = tiny_config(num_hidden_layers=1, id2label=dict(enumerate(names)))
    if rule.label_thresholds:
        config.problem_type = "multi_label_classification"
    setattr(config, ANSWERING_KEY, asdict(rule))
    model = BertForSequenceClassification(config).eval()
    with torch.no_grad():
        model.classifier.weight *= 40
        drawn = model(torch.randint(1000, 20000, (64, 12))).logits
        model.classifier.bias -= drawn.mean(dim=0)
    return model


@pytest.fixture(scope="session")
def registered(config: Config, texts_csv: Path) -> str:
    """The URI of a version with the run, config and test scores that a sweep leaves."""
    store = open_store(config.tracking)
    composed = compose(
        [
            "dataset=local",
            f"dataset.path={texts_csv}",
            f"dataset.max_length={MAX_LENGTH}",
            "dataset.seed=11",  # test rows that no other test of the session's store counts
        ]
    )
    dataset = recorded_dataset(composed.yaml())
    model = tiny_model(dataset.label_names, RULE)
    tokenizer = minilm_tokenizer()
    tags = {TEST_FINGERPRINT: dataset.test_fingerprint, "finesweep.sweep": "own"}
    run = start_run(store, name="bert trial 4", tags=tags, params=composed.flat())
    run.log_text(composed.yaml(), "config.yaml")
    with torch.no_grad():
        rows = tokenizer(dataset.test["text"][:], padding=True, return_tensors="pt")
        logits = model(**rows).logits.numpy()
    predictions = Predictions(logits, np.array(dataset.test["label"]))
    folder = config_folder(config) / "scores"
    scores = write_test_scores(
        folder,
        predictions,
        dataset,
        decision_rule=RULE,
        is_cut=np.zeros(len(logits), bool),
    )
    run.log_folder(folder)
    size = sum(weight.numel() * 4 for weight in model.parameters())
    # A latency that every export undercuts, on any machine.
    run.log_metrics(
        {**scores.metrics, "latency_ms/one_p50": 1e4, "model/bytes": float(size)}, step=0
    )
    uri = log_classifier(run, model, tokenizer, max_length=MAX_LENGTH, examples=["a day", "b c"])
    run.finish("FINISHED")
    finalist = Finalist(4, run.run_id, uri, scores.metrics, 0.3, len(logits), MAX_LENGTH)
    versions.register(store.client, finalist, name=NAME, alias="challenger", sweep="own")
    versions.set_alias(store.client, NAME, "champion", "1")
    return f"models:/{NAME}/1"


def config_folder(config: Config) -> Path:
    return Path(config.tracking.artifacts).parent


@pytest.fixture(scope="session")
def int8(registered: str, config: Config) -> ModelExport:
    """Version 2, in int8, with an alias."""
    request = Request(registered, "onnx", quantize="int8", alias="smaller")
    return run_export(request, config, field="MODEL")


@pytest.fixture
def plain(registered: str, config: Config, tmp_path: Path) -> ModelExport:
    """A folder of transformers' own files."""
    request = Request(registered, "safetensors", output=tmp_path / "plain")
    return run_export(request, config, field="MODEL")
