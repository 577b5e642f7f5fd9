"""A folder that Transformers saved is read as its own files say."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from tests.tiny_bert import tiny_bert
from tests.tiny_encoders import save_tiny
from transformers import AutoModelForSequenceClassification, AutoTokenizer

from finesweep.prediction.loading import DEFAULT_LENGTH, load_classifier
from finesweep.records import ANSWERING_KEY

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


def limited(folder: Path, limit: int, **config: object) -> Path:
    """The folder, whose tokenizer states this limit, and whose config has these fields too."""
    tokenizer = AutoTokenizer.from_pretrained(folder)
    tokenizer.model_max_length = limit
    tokenizer.save_pretrained(folder)
    model = AutoModelForSequenceClassification.from_pretrained(folder)
    for name, value in config.items():
        setattr(model.config, name, value)
    model.config.save_pretrained(folder)
    return folder


@pytest.mark.parametrize(
    ("kind", "length"),
    [("bert", 64), ("roberta", 63), ("mpnet", 62), ("xlnet", DEFAULT_LENGTH), ("longformer", 63)],
)
def test_without_a_stated_limit_a_long_text_is_cut_to_what_the_model_reads(
    tmp_path: Path, kind: str, length: int
) -> None:
    """Of 64 places some models lose those up to the padding's number."""
    save_tiny(kind, tmp_path)
    classifier = load_classifier(str(tmp_path), tracking_uri="")
    assert classifier.max_length == length
    (made,) = classifier.predict(["red " * 2 * DEFAULT_LENGTH])
    assert made.truncated


def test_a_stated_limit_that_the_model_does_not_reach_is_not_believed(tmp_path: Path) -> None:
    save_tiny("roberta", tmp_path)
    for stated, length in ((512, 63), (64, 63), (40, 40)):
        limited(tmp_path, stated)
        assert load_classifier(str(tmp_path), tracking_uri="").max_length == length


def test_a_length_that_finesweep_recorded_is_taken_without_running_the_model(
    tmp_path: Path,
) -> None:
    save_tiny("roberta", tmp_path)
    limited(tmp_path, 512, **{ANSWERING_KEY: {"temperature": 2.0}})
    assert load_classifier(str(tmp_path), tracking_uri="").max_length == 512
