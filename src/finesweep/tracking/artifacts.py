"""The files of an evaluated split and of a finished run, as other programs read them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from sklearn.metrics import classification_report, confusion_matrix

from finesweep.figures import confusion_matrix_figure, training_curves_figure
from finesweep.records import Objective, Predictions, SplitName, TrainingResult

DOTS_PER_INCH = 120


def write_split(
    folder: Path,
    split: SplitName,
    predictions: Predictions,
    *,
    probabilities: np.ndarray,
    texts: Sequence[str],
    label_names: Sequence[str],
) -> None:
    """Writes confusion matrix, report, errors and predictions of one split under folder/split.

    probabilities [N, C] are those of predictions, texts the N raw texts in the same order.
    """
    target = folder / split
    target.mkdir(parents=True)
    labels, guesses = predictions.labels, probabilities.argmax(axis=1)
    counts = confusion_matrix(labels, guesses, labels=range(len(label_names)))
    matrix = {"labels": list(label_names), "rows": "truth", "counts": counts.tolist()}
    _write_json(target / "confusion_matrix.json", matrix)
    title = f"{split}: {int(counts.trace()):,} of {len(labels):,} right"
    _write_picture(
        target / "confusion_matrix.png", confusion_matrix_figure(counts, label_names, title=title)
    )
    report = classification_report(
        labels,
        guesses,
        labels=range(len(label_names)),
        target_names=label_names,
        output_dict=True,
        zero_division=0,
    )
    _write_json(target / "classification_report.json", report)
    _write_json(target / "errors.json", _errors(labels, probabilities, texts, label_names))
    _predictions(labels, probabilities, label_names).to_parquet(target / "predictions.parquet")


def write_curves(folder: Path, result: TrainingResult, objective: Objective, *, title: str) -> None:
    """Writes folder/curves.png."""
    figure = training_curves_figure(
        result.evaluations, best_step=result.best.step, metric=objective.metric, title=title
    )
    _write_picture(folder / "curves.png", figure)


def _errors(
    labels: np.ndarray, probabilities: np.ndarray, texts: Sequence[str], names: Sequence[str]
) -> list[dict[str, Any]]:
    """Wrong predictions, the most confident first."""
    guesses, confidence = probabilities.argmax(axis=1), probabilities.max(axis=1)
    wrong = np.flatnonzero(guesses != labels)
    worst_first = wrong[np.argsort(-confidence[wrong], kind="stable")]
    return [
        {
            "row": int(row),
            "text": texts[row],
            "truth": names[labels[row]],
            "prediction": names[guesses[row]],
            "probability": round(float(confidence[row]), 6),
        }
        for row in worst_first
    ]


def _predictions(
    labels: np.ndarray, probabilities: np.ndarray, names: Sequence[str]
) -> pd.DataFrame:
    columns: dict[str, Any] = {
        "truth": [names[label] for label in labels],
        "prediction": [names[guess] for guess in probabilities.argmax(axis=1)],
    }
    for index, name in enumerate(names):
        columns[f"probability/{name}"] = probabilities[:, index]
    return pd.DataFrame(columns)


def _write_json(path: Path, value: Any) -> None:
    path.write_text(json.dumps(value, indent=2, ensure_ascii=False), encoding="utf-8")


def _write_picture(path: Path, figure: Figure) -> None:
    figure.savefig(path, dpi=DOTS_PER_INCH, bbox_inches="tight")
