"""The files of an evaluated split and of a finished run, as other programs read them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from finesweep.labelsets import label_name
from finesweep.records import DecisionRule, Objective, Predictions, SplitName, TrainingResult
from finesweep.stats.error_kinds import kinds_of_error
from finesweep.stats.predictions import (
    are_correct,
    confidence,
    confusion_counts,
    is_multi_label,
    margins,
    one_hot,
    predict_labels,
)
from finesweep.tracking.predictions import write_predictions

if TYPE_CHECKING:
    from matplotlib.figure import Figure

DOTS_PER_INCH = 120
AVERAGES = ("accuracy", "micro avg", "macro avg", "weighted avg", "samples avg")
"""What a classification report calls its own rows: a label of that name would be written over."""


def write_split(
    folder: Path,
    split: SplitName,
    predictions: Predictions,
    *,
    probabilities: np.ndarray,
    texts: Sequence[str],
    label_names: Sequence[str],
    is_cut: np.ndarray | None = None,
) -> list[dict[str, Any]]:
    """The split's errors, worst first, once they, its confusion matrix, report and predictions are
    written under folder/split.

    probabilities [N, C] are those of predictions, texts the N raw texts in the same order; is_cut
    [N] bool says of which the model read only the beginning, None that it read them all.
    """
    # Matplotlib and scikit-learn take seconds to load: after the training, not before it.
    from sklearn.metrics import classification_report

    from finesweep.figures import confusion_matrix_figure, label_confusion_figure

    target = folder / split
    target.mkdir(parents=True)
    labels = predictions.labels
    guessed = predict_labels(probabilities, multi_label=predictions.multi_label)
    counts = confusion_counts(labels, guessed, len(label_names))
    matrix = {"labels": list(label_names), "rows": "truth", "counts": counts.tolist()}
    write_readable_json(target / "confusion_matrix.json", matrix)
    n_right = int(are_correct(guessed, labels).sum())
    title = f"{split}: {n_right:,} of {len(labels):,} right"
    draw = label_confusion_figure if predictions.multi_label else confusion_matrix_figure
    write_picture(target / "confusion_matrix.png", draw(counts, label_names, title=title))
    report = classification_report(
        labels,
        guessed,
        labels=range(len(label_names)),
        target_names=[f"{name} (label)" if name in AVERAGES else name for name in label_names],
        output_dict=True,
        zero_division=0,
    )
    write_readable_json(target / "classification_report.json", report)
    cut = np.zeros(len(labels), bool) if is_cut is None else is_cut
    errors = _errors(labels, guessed, probabilities, texts, label_names, cut)
    write_readable_json(target / "errors.json", errors)
    write_predictions(target, labels, probabilities, label_names)
    return errors


def write_answers(
    folder: Path,
    probabilities: np.ndarray,
    labels: np.ndarray,
    texts: Sequence[str],
    label_names: Sequence[str],
    *,
    decision_rule: DecisionRule,
    intervals: Mapping[str, tuple[float, float]],
) -> None:
    """Writes answers.png, answering.json, intervals.json and slices.json into folder.

    probabilities [N, C] are calibrated; labels and texts are in the same order.
    """
    from finesweep.figures import calibration_figure

    figure = calibration_figure(
        probabilities,
        labels,
        label_names,
        rule=decision_rule,
        title=f"how far the answers can be trusted: {len(labels):,} rows of {folder.name}",
    )
    write_picture(folder / "answers.png", figure)
    write_readable_json(folder / "answering.json", asdict(decision_rule))
    write_readable_json(folder / "intervals.json", dict(intervals))
    right = are_correct(predict_labels(probabilities, multi_label=is_multi_label(labels)), labels)
    held = one_hot(labels, len(label_names))
    write_readable_json(folder / "slices.json", _slices(right, held, texts, label_names))


def _slices(
    right: np.ndarray, truth: np.ndarray, texts: Sequence[str], names: Sequence[str]
) -> list[dict[str, Any]]:
    """Rows and accuracy by class, and by quarters of length in characters; truth [N, C] bool."""
    lengths = np.array([len(text) for text in texts])
    edges = np.unique(np.quantile(lengths, [0, 0.25, 0.5, 0.75, 1.0]).astype(int))
    slices = [(f"label {name}", held) for name, held in zip(names, truth.T, strict=True)]
    for k, (low, high) in enumerate(pairwise(edges)):
        held = (lengths > low) | (k == 0) & (lengths == low)
        slices.append((f"{low + (k > 0)} to {high} characters", held & (lengths <= high)))
    return [
        {"slice": name, "rows": int(held.sum()), "accuracy": float(right[held].mean())}
        for name, held in slices
        if held.any()
    ]


def write_curves(folder: Path, result: TrainingResult, objective: Objective, *, title: str) -> None:
    """Writes folder/curves.png."""
    from finesweep.figures import training_curves_figure

    figure = training_curves_figure(
        result.evaluations, best_step=result.best.step, metric=objective.metric, title=title
    )
    write_picture(folder / "curves.png", figure)


def _errors(
    labels: np.ndarray,
    guessed: np.ndarray,
    probabilities: np.ndarray,
    texts: Sequence[str],
    names: Sequence[str],
    is_cut: np.ndarray,
) -> list[dict[str, Any]]:
    """Wrong predictions as errors.json holds them, the most confident first."""
    sure, margin = confidence(probabilities, guessed), margins(probabilities, guessed, labels)
    wrong = np.flatnonzero(~are_correct(guessed, labels))
    worst_first = wrong[np.argsort(-sure[wrong], kind="stable")]
    return [
        {
            "row": int(row),
            "text": (text := texts[int(row)]),
            "truth": label_name(labels[row], names),
            "prediction": label_name(guessed[row], names),
            "probability": round(float(sure[row]), 6),
            "kinds": kinds_of_error(text, margin=margin[row], is_cut=bool(is_cut[row])),
        }
        for row in worst_first
    ]


def write_readable_json(path: Path, value: Any) -> None:
    """Readable, letters as they are."""
    path.write_text(json.dumps(value, indent=2, ensure_ascii=False), encoding="utf-8")


def write_picture(path: Path, figure: Figure) -> None:
    """As a PNG."""
    figure.savefig(path, dpi=DOTS_PER_INCH, bbox_inches="tight")
