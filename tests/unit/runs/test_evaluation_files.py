"""The files of an evaluated split."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from matplotlib.image import imread
from pandas.api.types import is_float_dtype, is_string_dtype

from finesweep.records import DecisionRule, Evaluation, Objective, Predictions, TrainingResult
from finesweep.runs.evaluation_files import write_answers, write_curves, write_split
from finesweep.tracking.predictions import read_predictions

pytestmark = pytest.mark.slow

NAMES = ("bad", "plain", "très bon")
LABELS = [0, 0, 1, 1, 0]
PROBABILITIES = [
    [0.7, 0.2, 0.1],  # right
    [0.3, 0.6, 0.1],  # wrong
    [0.1, 0.8, 0.1],  # right
    [0.95, 0.03, 0.02],  # wrong, and the most certain of it
    [0.3, 0.1, 0.6],  # wrong, as certain as the second
]
TEXTS = ["a", 'two\nlines, "quoted"\ttabbed', "c", "grin 😀 — ünïcode", "  spaces kept  "]
SPLIT_FILES = {
    "confusion_matrix.json",
    "confusion_matrix.png",
    "classification_report.json",
    "errors.json",
    "predictions.parquet",
}


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder, probabilities = tmp_path_factory.mktemp("split"), np.array(PROBABILITIES)
    write_split(
        folder,
        "validation",
        Predictions(np.log(probabilities).astype(np.float32), np.array(LABELS)),
        probabilities=probabilities,
        texts=TEXTS,
        label_names=NAMES,
        is_cut=np.array([True, False, False, False, True]),
    )
    return folder / "validation"


def read(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def test_a_split_has_these_files(written: Path) -> None:
    assert {path.name for path in written.iterdir()} == SPLIT_FILES
    assert [path.name for path in written.parent.iterdir()] == ["validation"]


def test_the_confusion_matrix_counts_truth_in_rows(written: Path) -> None:
    assert read(written / "confusion_matrix.json") == {
        "labels": list(NAMES),
        "rows": "truth",
        "counts": [[1, 1, 1], [1, 1, 0], [0, 0, 0]],
    }


def error(row: int, truth: str, prediction: str, probability: float, kind: str) -> dict[str, Any]:
    return {
        "row": row,
        "text": TEXTS[row],
        "truth": truth,
        "prediction": prediction,
        "probability": probability,
        "kinds": [kind],
    }


def test_errors_are_worst_first_with_the_text_as_it_was(written: Path) -> None:
    assert read(written / "errors.json") == [
        error(3, "plain", "bad", 0.95, "unclear"),
        error(1, "bad", "plain", 0.6, "unclear"),
        error(4, "bad", NAMES[2], 0.6, "long"),
    ]
    raw = (written / "errors.json").read_text(encoding="utf-8")
    assert "😀 — ünïcode" in raw


def test_predictions_are_one_row_per_text_in_the_splits_order(written: Path) -> None:
    table = pd.read_parquet(written / "predictions.parquet")
    probabilities = [f"probability/{name}" for name in NAMES]
    assert list(table.columns) == ["truth", "prediction", *probabilities]
    assert table["truth"].tolist() == [NAMES[label] for label in LABELS]
    assert table["prediction"].tolist() == ["bad", "plain", "plain", "bad", NAMES[2]]
    assert table[probabilities].to_numpy().tolist() == PROBABILITIES
    assert all(is_string_dtype(table[name]) for name in ("truth", "prediction"))
    assert all(is_float_dtype(table[name]) for name in probabilities)


def test_the_report_has_every_class_even_one_without_rows(written: Path) -> None:
    report = read(written / "classification_report.json")
    assert set(report) == {*NAMES, "accuracy", "macro avg", "weighted avg"}
    assert report["accuracy"] == pytest.approx(2 / 5)
    assert report["bad"] == pytest.approx(
        {"precision": 1 / 2, "recall": 1 / 3, "f1-score": 2 / 5, "support": 3}
    )
    assert report[NAMES[2]] == {"precision": 0, "recall": 0, "f1-score": 0, "support": 0}


def test_nothing_wrong_is_an_empty_list(tmp_path: Path) -> None:
    probabilities = np.array([[0.9, 0.1], [0.2, 0.8]])
    write_split(
        tmp_path,
        "test",
        Predictions(np.log(probabilities), np.array([0, 1])),
        probabilities=probabilities,
        texts=["a", "b"],
        label_names=("no", "yes"),
    )
    assert read(tmp_path / "test" / "errors.json") == []
    assert read(tmp_path / "test" / "confusion_matrix.json")["counts"] == [[1, 0], [0, 1]]


def test_the_curves_are_a_picture(tmp_path: Path, written: Path) -> None:
    evaluations = tuple(
        Evaluation(step, step / 80, {"train/loss": 1.0, "validation/loss": 0.5, "validation/f1": 1})
        for step in (40, 80)
    )
    predictions = Predictions(np.zeros((1, 2), np.float32), np.zeros(1, np.int64))
    result = TrainingResult(evaluations, evaluations[0], predictions, stopped_early=False)
    write_curves(tmp_path, result, Objective(), title="a title")
    for picture in (tmp_path / "curves.png", written / "confusion_matrix.png"):
        assert picture.read_bytes().startswith(b"\x89PNG\r\n\x1a\n")
        pixels = imread(picture)
        assert min(pixels.shape[:2]) > 200
        assert pixels.min() < 0.5 < pixels.max()


HELD = [[1, 0, 1], [0, 0, 0], [0, 1, 0], [1, 1, 0]]
SHARES = [
    [0.9, 0.2, 0.4],  # misses the third label, nearly not
    [0.1, 0.2, 0.3],  # right
    [0.8, 0.9, 0.1],  # takes the first one wrongly, and surely
    [0.6, 0.7, 0.2],  # right
]


@pytest.fixture(scope="module")
def several(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Files of a split of texts with several labels."""
    folder, shares = tmp_path_factory.mktemp("several"), np.array(SHARES)
    write_split(
        folder,
        "test",
        Predictions(np.log(shares / (1 - shares)), np.array(HELD)),
        probabilities=shares,
        texts=TEXTS[:4],
        label_names=NAMES,
    )
    return folder / "test"


def test_several_labels_leave_the_same_files(several: Path) -> None:
    assert {path.name for path in several.iterdir()} == SPLIT_FILES
    assert read(several / "confusion_matrix.json") == {
        "labels": list(NAMES),
        "rows": "truth",
        "counts": [[[1, 1], [0, 2]], [[2, 0], [0, 2]], [[3, 0], [1, 0]]],
    }
    report = read(several / "classification_report.json")
    assert report["bad"] == pytest.approx(
        {"precision": 2 / 3, "recall": 1, "f1-score": 4 / 5, "support": 2}
    )


def test_an_error_of_several_labels_names_both_sets(several: Path) -> None:
    assert read(several / "errors.json") == [
        error(2, "plain", "bad, plain", round(0.8 * 0.9 * 0.9, 6), "unclear"),
        error(0, f"bad, {NAMES[2]}", "bad", round(0.9 * 0.8 * 0.6, 6), "low confidence"),
    ]


def test_predictions_of_several_labels_are_lists_that_read_back(several: Path) -> None:
    table = pd.read_parquet(several / "predictions.parquet")
    assert [list(held) for held in table["truth"]] == [
        ["bad", NAMES[2]],
        [],
        ["plain"],
        ["bad", "plain"],
    ]
    answered = read_predictions(several / "predictions.parquet")
    assert answered.label_names == NAMES
    assert answered.labels.tolist() == HELD
    assert answered.predicted.tolist() == [[1, 0, 0], [0, 0, 0], [1, 1, 0], [1, 1, 0]]
    assert answered.probabilities.tolist() == SHARES
    assert answered.right.tolist() == [False, True, False, True]


def test_slices_of_several_labels_are_the_rows_that_have_each(several: Path) -> None:
    rule = DecisionRule(1.0, 0.0, label_thresholds=[0.5, 0.5, 0.3])
    shares, labels = np.array(SHARES), np.array(HELD)
    write_answers(several, shares, labels, TEXTS[:4], NAMES, decision_rule=rule, intervals={})
    slices = {each["slice"]: each for each in read(several / "slices.json")}
    assert slices["label bad"] == {"slice": "label bad", "rows": 2, "accuracy": 0.5}
    assert slices["label plain"] == {"slice": "label plain", "rows": 2, "accuracy": 0.5}
    assert read(several / "answering.json")["label_thresholds"] == [0.5, 0.5, 0.3]
    for name in ("answers.png", "slices.json", "intervals.json", "answering.json"):
        (several / name).unlink()
