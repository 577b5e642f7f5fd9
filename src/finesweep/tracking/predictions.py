"""predictions.parquet: what a model answered to each row of a split, written and read."""

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
"""Column prefix; a label's name behind it."""


@dataclass(frozen=True)
class Answered:
    """A split's N rows in data order, by C classes."""

    label_names: tuple[str, ...]
    """[C]."""
    labels: np.ndarray
    """[N] int in [0, C), the truth; [N, C] of 0 and 1 where a row may have several labels."""
    guesses: np.ndarray
    """In the same shape."""
    probabilities: np.ndarray
    """[N, C], each row summing to 1 where it has one label."""

    @property
    def right(self) -> np.ndarray:
        """[N] bool."""
        return are_correct(self.guesses, self.labels)


def write_predictions(
    folder: Path, labels: np.ndarray, probabilities: np.ndarray, names: Sequence[str]
) -> None:
    """Writes folder/predictions.parquet: truth, prediction and a probability for each label.

    Truth and prediction are names, or lists of names where a row may have several labels.
    """
    guessed = predict_labels(probabilities, multi_label=is_multi_label(labels))
    columns: dict[str, Any] = {"truth": _named(labels, names), PREDICTION: _named(guessed, names)}
    for index, name in enumerate(names):
        columns[f"{PROBABILITY}{name}"] = probabilities[:, index]
    pd.DataFrame(columns).to_parquet(folder / FILE)


def read_predictions(path: str | Path) -> Answered:
    """What write_predictions wrote."""
    table = pd.read_parquet(path)
    columns = [name for name in table.columns if name.startswith(PROBABILITY)]
    names = tuple(name.removeprefix(PROBABILITY) for name in columns)
    labels, guessed = (_numbered(table[column], names) for column in ("truth", PREDICTION))
    return Answered(names, labels, guessed, table[columns].to_numpy())


def _named(labels: np.ndarray, names: Sequence[str]) -> list[Any]:
    if is_multi_label(labels):
        return [set_members(held, names) for held in labels]
    return [names[label] for label in labels]


def _numbered(column: pd.Series, names: Sequence[str]) -> np.ndarray:
    if column.map(lambda value: isinstance(value, str)).all():
        place = {name: index for index, name in enumerate(names)}
        return column.map(place).to_numpy(dtype=np.int64)
    return np.array([[name in held for name in names] for held in column], dtype=np.int64)
