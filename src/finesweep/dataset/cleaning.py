"""Rows without a text or a label, and texts that stand with two labels."""

from __future__ import annotations

import pandas as pd

from finesweep.dataset.mistakes import counted_rows, missing_problems, raise_all
from finesweep.errors import ConfigError, Problem
from finesweep.records import SplitName

Frames = dict[SplitName, pd.DataFrame]


def without_missing(frames: Frames, *, drop: bool) -> tuple[Frames, list[str]]:
    """Frames whose every row has a text (str) and a label, and a note on what was dropped.

    ConfigError when rows are missing and drop is false, or when a split has nothing left.
    """
    missing = {
        (split, kind): rows
        for split, frame in frames.items()
        for kind in ("text", "label")
        if len(rows := frame.index[is_missing(frame[kind])])
    }
    if not drop:
        raise_all(missing_problems(missing))
    notes = [
        f"{counted_rows(len(rows))} of {split} with missing {kind} dropped"
        for (split, kind), rows in missing.items()
    ]
    kept = {split: _complete(frame) for split, frame in frames.items()}
    raise_all([_nothing_left(split) for split, frame in kept.items() if frame.empty])
    return kept, notes


def is_missing(column: pd.Series) -> pd.Series:
    """True where there is no value, or only blanks."""
    if pd.api.types.is_numeric_dtype(column):
        return column.isna()
    return column.isna() | column.astype("str").str.strip().eq("")


def without_conflicts(train: pd.DataFrame) -> tuple[pd.DataFrame, list[str]]:
    """Train without any row whose text stands with two labels, and a note; label is an id.

    ConfigError when a class loses its last row.
    """
    n_labels = train.groupby("text", sort=False)["label"].transform("nunique")
    kept = train[n_labels == 1]
    if kept["label"].nunique() < train["label"].nunique():
        message = "drop takes every row of a class, as all its texts have other labels too"
        raise ConfigError(Problem("dataset.conflicts", message))
    n_dropped = len(train) - len(kept)
    note = f"text with conflicting labels: {counted_rows(n_dropped)} of train dropped"
    return kept, [note] if n_dropped else []


def _complete(frame: pd.DataFrame) -> pd.DataFrame:
    kept = frame[~(is_missing(frame["text"]) | is_missing(frame["label"]))]
    return kept.assign(text=kept["text"].astype("str"))


def _nothing_left(split: SplitName) -> Problem:
    return Problem("dataset.missing", f"drop takes every row of {split}")
