"""predictions.parquet: a model's predictions for each row of a split, written and read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from finesweep.labelsets import set_members
from finesweep.stats.predictions import are_correct, is_multi_label, predict_labels

FILE = "predictions.parquet"
PREDICTION = "prediction"
PROBABILITY = "probability/"
"""Column prefix, followed by a label's name."""


@dataclass(frozen=True)
class SplitPredictions:
    """The predictions for a split's N rows in data order, for C classes."""

    label_names: tuple[str, ...]
    """Names of the classes, [C]."""
    labels: np.ndarray
    """True labels, [N] int in [0, C); [N, C] of 0 and 1 if a row may have several labels."""
    predicted: np.ndarray
    """Predicted labels, in the same shape."""
    probabilities: np.ndarray
    """[N, C]; each row sums to 1 unless it may have several labels."""

    @property
    def right(self) -> np.ndarray:
        """[N] bool: whether the prediction is right."""
        return are_correct(self.predicted, self.labels)


def write_predictions(
    folder: Path, labels: np.ndarray, probabilities: np.ndarray, names: Sequence[str]
) -> None:
    """Writes folder/predictions.parquet: truth, prediction and a probability for each label.

    Truth and prediction are names, or lists of names if a row may have several labels.
    """
    predicted = predict_labels(probabilities, multi_label=is_multi_label(labels))
    columns: dict[str, Any] = {"truth": _named(labels, names), PREDICTION: _named(predicted, names)}
    for index, name in enumerate(names):
        columns[f"{PROBABILITY}{name}"] = probabilities[:, index]
    pd.DataFrame(columns).to_parquet(folder / FILE)


def read_predictions(path: str | Path) -> SplitPredictions:
    """The predictions in a file by write_predictions."""
    table = pd.read_parquet(path)
    columns = [name for name in table.columns if name.startswith(PROBABILITY)]
    names = tuple(name.removeprefix(PROBABILITY) for name in columns)
    labels, predicted = (_numbered(table[column], names) for column in ("truth", PREDICTION))
    return SplitPredictions(names, labels, predicted, table[columns].to_numpy())


def _named(labels: np.ndarray, names: Sequence[str]) -> list[Any]:
    if is_multi_label(labels):
        return [set_members(row, names) for row in labels]
    return [names[label] for label in labels]


def _numbered(column: pd.Series, names: Sequence[str]) -> np.ndarray:
    if column.map(lambda value: isinstance(value, str)).all():
        indices = {name: index for index, name in enumerate(names)}
        return column.map(indices).to_numpy(dtype=np.int64)
    return np.array([[name in members for name in names] for members in column], dtype=np.int64)
