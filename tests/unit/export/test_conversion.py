"""An exported model predicts as its original, on every row and in every way that it is loaded."""

from __future__ import annotations

import json
import subprocess
import sys
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

pytest.importorskip("onnxscript", reason="the extra finesweep[onnx] is not installed")
pytestmark = [
    pytest.mark.slow,  # a model is traced
    pytest.mark.filterwarnings("ignore:.*Any type hint is inferred as AnyType:UserWarning"),
]
LONG = " ".join(f"word{number}" for number in range(200))
TEXTS = ["lovely great day", "dull", "it was awful, quite awful", LONG, "", "a table"]


@pytest.fixture
def original(registered: str, config: Config) -> Classifier:
    return load_classifier(registered, tracking_uri=config.tracking.uri)


@pytest.fixture
def exported(onnx: ModelExport, config: Config) -> Classifier:
    return load_classifier(f"models:/{NAME}/2", tracking_uri=config.tracking.uri)


def test_an_onnx_model_predicts_as_its_original(
    original: Classifier, exported: Classifier, onnx: ModelExport
) -> None:
    assert (exported.format, onnx.format) == ("onnx", "onnx")
    assert (exported.max_length, exported.examples) == (MAX_LENGTH, original.examples)
    assert exported.decision_rule == original.decision_rule == RULE
    for before, after in zip(original.predict(TEXTS), exported.predict(TEXTS), strict=True):
        assert after.probabilities == pytest.approx(before.probabilities, abs=1e-5)
        assert (after.label, after.sure, after.truncated) == (
            before.label,
            before.sure,
            before.truncated,
        )
    labels = {each.label for each in original.predict(TEXTS)}
    assert len(labels) > 2, "a model that predicts one label for all would agree with anything"


def test_an_export_tells_how_far_it_differs_and_how_fast_it_is(
    onnx: ModelExport, int8: ModelExport
) -> None:
    assert (onnx.rows, onnx.changed_labels) == (200, 0)
    assert 0 < onnx.difference < 1e-5
    assert 1e-4 < int8.difference < 0.5
    assert int8.size_bytes < onnx.size_bytes / 2
    assert min(onnx.latency_ms, onnx.original_latency_ms) > 0


def test_a_pyfunc_predicts_without_torch_transformers_and_finesweep(
    registered: str, onnx: ModelExport, config: Config
) -> None:
    mlflow.set_tracking_uri(config.tracking.uri)
    before = mlflow.pyfunc.load_model(registered)
    folder = mlflow.artifacts.download_artifacts(f"models:/{NAME}/2")
    after = mlflow.pyfunc.load_model(folder)
    assert after.metadata.signature == before.metadata.signature
    said, wanted = after.predict(["dull", LONG]), before.predict(["dull", LONG])
    assert said["label"].tolist() == wanted["label"].tolist()
    assert said["score"].tolist() == pytest.approx(wanted["score"].tolist(), abs=1e-5)
    code = f"""
import sys, json
sys.modules["finesweep"] = None
import mlflow
model = mlflow.pyfunc.load_model({folder!r})
labels = model.predict(["dull", {LONG!r}])["label"].tolist()
print(json.dumps([labels, [n for n in ("torch", "transformers") if n in sys.modules]]))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout.splitlines()[-1]) == [wanted["label"].tolist(), []]
    assert not list(Path(folder).rglob("*.pkl"))


def test_what_needs_gradients_is_refused_in_a_sentence(exported: Classifier) -> None:
    with pytest.raises(ConfigError, match="an ONNX model cannot tell which words"):
        attribute(exported, "a lovely day", exported.label_names[0])


def test_a_plain_folder_loads_without_finesweep_and_with_it(
    plain: ModelExport, original: Classifier, config: Config
) -> None:
    folder = plain.folder
    assert folder is not None
    assert plain.difference == 0
    model = AutoModelForSequenceClassification.from_pretrained(folder)
    assert list(model.config.id2label.values()) == original.label_names
    assert AutoTokenizer.from_pretrained(folder).model_max_length == MAX_LENGTH
    loaded = load_classifier(str(folder), tracking_uri=config.tracking.uri)
    assert loaded.decision_rule == RULE
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


def test_an_exported_model_is_not_exported_again(onnx: ModelExport, config: Config) -> None:
    with pytest.raises(ConfigError, match="is onnx already; export version 1, which it was made"):
        run_export(Request(f"models:/{NAME}/2", "onnx"), config, field="MODEL")
