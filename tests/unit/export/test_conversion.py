"""An exported model predicts as its original, on every row and in every way that it is loaded."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import mlflow
import numpy as np
import pytest
from tests.unit.export.conftest import MAX_LENGTH, NAME, RULE
from transformers import AutoModelForSequenceClassification, AutoTokenizer

from finesweep.api.exporting.export import run_export
from finesweep.api.exporting.request import Request
from finesweep.api.results import ModelExport
from finesweep.config import Config
from finesweep.errors import ConfigError
from finesweep.prediction import Classifier, load_classifier
from finesweep.prediction.attribution import attribute
from finesweep.records import DecisionRule
from finesweep.tracking import TrackingStore

pytest.importorskip("onnxscript", reason="the extra finesweep[onnx] is not installed")
pytestmark = [
    pytest.mark.slow,  # a model is traced
    pytest.mark.xdist_group("export"),  # else each process would trace it
    pytest.mark.filterwarnings("ignore:.*Any type hint is inferred as AnyType:UserWarning"),
]
LONG = " ".join(f"word{number}" for number in range(200))
TEXTS = ["lovely great day", "dull", "it was awful, quite awful", LONG, "", "a table"]


@pytest.fixture
def original(registered: str, config: Config) -> Classifier:
    return load_classifier(registered, tracking_uri=config.tracking.uri)


@pytest.fixture
def exported(int8: ModelExport, config: Config) -> Classifier:
    return load_classifier(f"models:/{NAME}/2", tracking_uri=config.tracking.uri)


def test_a_registered_export_predicts_by_the_same_rule(
    original: Classifier, exported: Classifier
) -> None:
    assert exported.format == "onnx int8"
    assert (exported.max_length, exported.examples) == (MAX_LENGTH, original.examples)
    assert exported.decision_rule == original.decision_rule
    assert exported.decision_rule.temperature == RULE.temperature
    before, after = original.predict(TEXTS), exported.predict(TEXTS)
    for old, new in zip(before, after, strict=True):
        assert new.probabilities == pytest.approx(old.probabilities, abs=0.1)
        assert (new.text, new.truncated) == (old.text, old.truncated)
    assert len({each.label for each in before}) > 2, "one label for all would always agree"


def test_an_export_tells_how_far_it_differs_and_how_fast_it_is(
    int8: ModelExport, store: TrackingStore
) -> None:
    assert int8.rows == 200
    assert 1e-4 < int8.difference < 0.2
    assert int8.size_bytes < int8.original_size_bytes / 2
    assert min(int8.latency_ms, int8.original_latency_ms) > 0
    metrics = store.client.get_run(str(int8.run_id)).data.metrics
    assert metrics["export/fp32_difference"] < 1e-5 < int8.difference
    assert metrics["latency_ms/one_p50"] == int8.latency_ms
    assert metrics["latency_ms/pytorch_one_p50"] == int8.original_latency_ms
    assert metrics["model/bytes"] == int8.size_bytes


def test_a_pyfunc_predicts_without_torch_transformers_and_finesweep(
    registered: str, exported: Classifier, config: Config
) -> None:
    mlflow.set_tracking_uri(config.tracking.uri)
    before = mlflow.models.get_model_info(registered)
    folder = mlflow.artifacts.download_artifacts(f"models:/{NAME}/2")
    assert mlflow.models.get_model_info(folder).signature == before.signature
    code = f"""
import sys, json
sys.modules["finesweep"] = None
import mlflow
model = mlflow.pyfunc.load_model({folder!r})
table = model.predict(["dull", {LONG!r}])
heavy = [name for name in ("torch", "transformers") if name in sys.modules]
print(json.dumps([table["label"].tolist(), table["score"].tolist(), heavy]))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    labels, scores, heavy = json.loads(done.stdout.splitlines()[-1])
    plain = replace(exported, decision_rule=DecisionRule())
    wanted = plain.predict(["dull", LONG])
    assert (labels, heavy) == ([each.label for each in wanted], [])
    assert scores == pytest.approx([each.probability for each in wanted], abs=1e-6)
    assert not list(Path(folder).rglob("*.pkl"))


def test_what_needs_gradients_is_refused_in_a_sentence(exported: Classifier) -> None:
    with pytest.raises(ConfigError, match="an ONNX model cannot tell which words"):
        attribute(exported, "a lovely day", exported.label_names[0])


def test_a_plain_folder_loads_without_finesweep_and_with_it(
    plain: ModelExport, original: Classifier, config: Config
) -> None:
    folder = plain.folder
    assert folder is not None
    assert plain.difference < 1e-6  # one row is not rounded as it is in a batch
    model = AutoModelForSequenceClassification.from_pretrained(folder)
    assert list(model.config.id2label.values()) == original.label_names
    assert AutoTokenizer.from_pretrained(folder).model_max_length == MAX_LENGTH
    loaded = load_classifier(str(folder), tracking_uri=config.tracking.uri)
    assert loaded.decision_rule == original.decision_rule
    assert np.array_equal(loaded.probabilities(TEXTS[:4]), original.probabilities(TEXTS[:4]))
    assert {path.suffix for path in folder.iterdir()} == {".json", ".md", ".safetensors"}
    text = (folder / "README.md").read_text(encoding="utf-8")
    assert text.startswith("---\nlibrary_name: transformers\n")
    assert f'pipeline("text-classification", "{folder}")' in text


def test_an_existing_folder_is_left_alone(registered: str, config: Config, tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    request = Request(registered, "safetensors", output=tmp_path)
    with pytest.raises(ConfigError, match="exists and is not empty"):
        run_export(request, config, field="MODEL")
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_an_exported_model_is_not_exported_again(int8: ModelExport, config: Config) -> None:
    with pytest.raises(ConfigError, match="is onnx int8 already; export version 1, which it"):
        run_export(Request(f"models:/{NAME}/2", "onnx"), config, field="MODEL")
