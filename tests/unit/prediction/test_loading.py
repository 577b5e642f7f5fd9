"""A folder that Transformers saved is read as its own files say."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from tests.tiny_bert import tiny_bert
from transformers import AutoModelForSequenceClassification, AutoTokenizer

from finesweep.prediction.loading import load_classifier

TEXTS = ["a lovely day", "it was awful", "dull film"]


@pytest.fixture(scope="module")
def several(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of a model with three labels, of which a text may have any number."""
    folder = tmp_path_factory.mktemp("several")
    names = {"id2label": dict(enumerate("abc")), "label2id": {"a": 0, "b": 1, "c": 2}}
    tiny_bert(folder, problem_type="multi_label_classification", **names)
    model = AutoModelForSequenceClassification.from_pretrained(folder)
    with torch.no_grad():
        model.classifier.bias.copy_(torch.tensor([4.0, 3.0, -4.0]))  # two labels of every text
    model.save_pretrained(folder)
    return folder


def shares(folder: Path) -> np.ndarray:
    """The model's own probabilities, [N, C]."""
    inputs = AutoTokenizer.from_pretrained(folder)(TEXTS, padding=True, return_tensors="pt")
    with torch.no_grad():
        logits = AutoModelForSequenceClassification.from_pretrained(folder)(**inputs).logits
    sigmoids: np.ndarray = logits.sigmoid().numpy()
    return sigmoids


def test_several_labels_are_predicted_where_the_config_says_so(several: Path) -> None:
    classifier = load_classifier(str(several), tracking_uri="")
    assert classifier.multi_label
    assert classifier.decision_rule.label_thresholds == [0.5, 0.5, 0.5]
    for made, row in zip(classifier.predict(TEXTS), shares(several), strict=True):
        assert made.labels == ("a", "b")
        known = dict(zip("abc", row.tolist(), strict=True))
        assert made.probabilities == pytest.approx(known, abs=1e-5)


@pytest.mark.slow  # a model is traced
@pytest.mark.xdist_group("export")
def test_an_onnx_folder_without_a_rule_predicts_several_labels_too(
    several: Path, tmp_path: Path
) -> None:
    pytest.importorskip("onnxscript", reason="the extra finesweep[onnx] is not installed")
    from finesweep.export.conversion import convert
    from finesweep.export.source import Data, Source

    source = Source("it", load_classifier(str(several), tracking_uri=""), None, None, None)
    convert(source, Data(None, False, "it has none"), tmp_path, format_="onnx")
    classifier = load_classifier(str(tmp_path), tracking_uri="")
    assert (classifier.format, classifier.multi_label) == ("onnx", True)
    assert [made.labels for made in classifier.predict(TEXTS)] == [("a", "b")] * len(TEXTS)
