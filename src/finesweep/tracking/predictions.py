"""predictions.parquet: what a model answered to each row of a split, written and read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

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
    """[N] int in [0, C), the truth."""
    guesses: np.ndarray
    """[N] int in [0, C)."""
    probabilities: np.ndarray
    """[N, C], each row summing to 1."""

    @property
    def right(self) -> np.ndarray:
        """[N] bool."""
        return np.asarray(self.guesses == self.labels)


def write_predictions(
    folder: Path, labels: np.ndarray, probabilities: np.ndarray, names: Sequence[str]
) -> None:
    """Writes folder/predictions.parquet: truth, prediction and a probability for each label."""
    columns: dict[str, Any] = {
        "truth": [names[label] for label in labels],
        PREDICTION: [names[guess] for guess in probabilities.argmax(axis=1)],
    }
    for index, name in enumerate(names):
        columns[f"{PROBABILITY}{name}"] = probabilities[:, index]
    pd.DataFrame(columns).to_parquet(folder / FILE)


def read_predictions(path: str | Path) -> Answered:
    """What write_predictions wrote."""
    table = pd.read_parquet(path)
    columns = [name for name in table.columns if name.startswith(PROBABILITY)]
    names = tuple(name.removeprefix(PROBABILITY) for name in columns)
    place = {name: index for index, name in enumerate(names)}
    labels, guesses = (
        table[column].map(place).to_numpy(dtype=np.int64) for column in ("truth", PREDICTION)
    )
    return Answered(names, labels, guesses, table[columns].to_numpy())
