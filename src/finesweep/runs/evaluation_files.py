"""Files of an evaluated split and of a finished run, for people and other programs."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

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
MARGIN_INCHES = 0.1
AVERAGES = ("accuracy", "micro avg", "macro avg", "weighted avg", "samples avg")
"""Names of a classification report's own rows, which would overwrite a label of that name."""


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
    """The split's errors, worst first; also writes them, confusion matrix, report and predictions
    to folder/split.

    probabilities [N, C] are those of predictions, texts the N raw texts in the same order; is_cut
    [N] bool marks truncated texts, None means that none is.
    """
    # Matplotlib and scikit-learn take seconds to import: after training, not before.
    from sklearn.metrics import classification_report

    from finesweep.figures import confusion_matrix_figure, label_confusion_figure

    target = folder / split
    target.mkdir(parents=True)
    labels = predictions.labels
    predicted = predict_labels(probabilities, multi_label=predictions.multi_label)
    counts = confusion_counts(labels, predicted, len(label_names))
    matrix = {"labels": list(label_names), "rows": "truth", "counts": counts.tolist()}
    write_readable_json(target / "confusion_matrix.json", matrix)
    n_right = int(are_correct(predicted, labels).sum())
    title = f"{split}: {n_right:,} of {len(labels):,} right"
    draw = label_confusion_figure if predictions.multi_label else confusion_matrix_figure
    write_picture(target / "confusion_matrix.png", draw(counts, label_names, title=title))
    report = classification_report(
        labels,
        predicted,
        labels=range(len(label_names)),
        target_names=[f"{name} (label)" if name in AVERAGES else name for name in label_names],
        output_dict=True,
        zero_division=0,
    )
    write_readable_json(target / "classification_report.json", report)
    cut = np.zeros(len(labels), bool) if is_cut is None else is_cut
    errors = _errors(labels, predicted, probabilities, texts, label_names, cut)
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
        title=f"reliability of predictions: {len(labels):,} rows of {folder.name}",
    )
    write_picture(folder / "answers.png", figure)
    write_readable_json(folder / "answering.json", asdict(decision_rule))
    write_readable_json(folder / "intervals.json", dict(intervals))
    right = are_correct(predict_labels(probabilities, multi_label=is_multi_label(labels)), labels)
    one_hot_labels = one_hot(labels, len(label_names))
    write_readable_json(folder / "slices.json", _slices(right, one_hot_labels, texts, label_names))


def _slices(
    right: np.ndarray, truth: np.ndarray, texts: Sequence[str], names: Sequence[str]
) -> list[dict[str, Any]]:
    """Rows and accuracy by class, and by quartile of length in characters; truth [N, C] bool."""
    lengths = np.array([len(text) for text in texts])
    edges = np.unique(np.quantile(lengths, [0, 0.25, 0.5, 0.75, 1.0]).astype(int))
    slices = [(f"label {name}", is_member) for name, is_member in zip(names, truth.T, strict=True)]
    for k, (low, high) in enumerate(pairwise(edges)):
        is_member = (lengths > low) | (k == 0) & (lengths == low)
        slices.append((f"{low + (k > 0)} to {high} characters", is_member & (lengths <= high)))
    return [
        {"slice": name, "rows": int(is_member.sum()), "accuracy": float(right[is_member].mean())}
        for name, is_member in slices
        if is_member.any()
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
    predicted: np.ndarray,
    probabilities: np.ndarray,
    texts: Sequence[str],
    names: Sequence[str],
    is_cut: np.ndarray,
) -> list[dict[str, Any]]:
    """Wrong predictions as in errors.json, most confident first."""
    confidences, margin = (
        confidence(probabilities, predicted),
        margins(probabilities, predicted, labels),
    )
    wrong = np.flatnonzero(~are_correct(predicted, labels))
    worst_first = wrong[np.argsort(-confidences[wrong], kind="stable")]
    return [
        {
            "row": int(row),
            "text": (text := texts[int(row)]),
            "truth": label_name(labels[row], names),
            "prediction": label_name(predicted[row], names),
            "probability": round(float(confidences[row]), 6),
            "kinds": kinds_of_error(text, margin=margin[row], is_cut=bool(is_cut[row])),
        }
        for row in worst_first
    ]


def write_readable_json(path: Path, value: Any) -> None:
    """Writes value indented, without escaping letters."""
    path.write_text(json.dumps(value, indent=2, ensure_ascii=False), encoding="utf-8")


def write_picture(path: Path | BinaryIO, figure: Figure) -> None:
    """Writes figure as a PNG without its empty margins.

    Drawn once: Figure.savefig lays out and draws twice, to find the margins.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from PIL import Image, ImageChops

    figure.dpi = DOTS_PER_INCH
    canvas = FigureCanvasAgg(figure)
    canvas.draw()  # type: ignore[no-untyped-call]
    pixels = np.asarray(canvas.buffer_rgba())  # type: ignore[no-untyped-call]
    drawn = Image.fromarray(pixels).convert("RGB")
    corner = drawn.crop((0, 0, 1, 1))
    cropped = drawn.crop(ImageChops.difference(drawn, corner.resize(drawn.size)).getbbox())
    margin = int(MARGIN_INCHES * DOTS_PER_INCH)
    picture = corner.resize((cropped.width + 2 * margin, cropped.height + 2 * margin))
    picture.paste(cropped, (margin, margin))
    picture.save(path, "PNG")
