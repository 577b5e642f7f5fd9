"""Text cleaning, label mapping, and rows dropped for missing values or conflicting labels."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import pandas as pd

from finesweep.dataset.labels.values import Label, label_number, label_text, label_values
from finesweep.dataset.text_cleaners import clean_texts
from finesweep.dataset.validation import missing_problems, raise_all
from finesweep.errors import ConfigError, Problem
from finesweep.records import SplitName
from finesweep.wording import counted_rows, listed

Frames = dict[SplitName, pd.DataFrame]


def with_clean_texts(frames: Frames, steps: Sequence[str]) -> Frames:
    """Frames with texts, and second texts of pairs, cleaned by these steps of CLEANERS; missing
    texts stay missing."""
    if not steps:
        return frames
    return {
        split: frame.assign(
            **{name: _cleaned(frame[name], steps) for name in ("text", "pair") if name in frame}
        )
        for split, frame in frames.items()
    }


def with_mapped_labels(
    frames: Frames, mapping: Mapping[Any, Any], *, class_names: Sequence[str] | None
) -> tuple[Frames, list[str]]:
    """Frames with labels renamed by mapping, and notes on the rows it drops.

    A label matches by its value in the data, or by its name in class_names. ConfigError lists
    labels missing from mapping.
    """
    if not mapping:
        return frames, []
    values = label_values(
        {split: _named(frame["label"], class_names) for split, frame in frames.items()}
    )
    present = {label for column in values.values() for label in column.dropna()}
    new_names = match_labels(mapping, present)
    if unknown := present - set(new_names):
        message = f"has no entry for {listed(sorted(unknown, key=str))}; null drops a label"
        raise ConfigError(Problem("dataset.label_map", message))
    mapped, notes = {}, []
    for split, frame in frames.items():
        dropped = values[split].map(lambda v: v in new_names and new_names[v] is None).astype(bool)
        names = values[split].map(lambda v: str(new_names[v]) if v in new_names else None)
        mapped[split] = frame.assign(label=names)[~dropped]
        if n := int(dropped.sum()):
            notes.append(f"{counted_rows(n)} of {split} dropped by dataset.label_map")
    return mapped, notes


def without_missing(
    frames: Frames, *, drop: bool, label_field: str = "dataset.label_column"
) -> tuple[Frames, list[str]]:
    """Frames in which every row has a text (str) and a label, and notes on the dropped rows.

    ConfigError if values are missing and drop is false, or if a split has no rows left; problems
    with labels name label_field.
    """
    missing = {
        (split, kind): rows
        for split, frame in frames.items()
        for kind in ("text", "label")
        if len(rows := frame.index[is_missing(frame[kind])])
    }
    if not drop:
        fields = {"text": "dataset.text_column", "label": label_field}
        raise_all(missing_problems(missing, fields))
    notes = [
        f"{counted_rows(len(rows))} of {split} with missing {kind} dropped"
        for (split, kind), rows in missing.items()
    ]
    complete = {split: _complete(frame) for split, frame in frames.items()}
    raise_all([_nothing_left(split) for split, frame in complete.items() if frame.empty])
    return complete, notes


def is_missing(column: pd.Series) -> pd.Series:
    """True where a value is missing or blank."""
    if pd.api.types.is_numeric_dtype(column):
        return column.isna()
    return column.isna() | column.astype("str").str.strip().eq("")


def without_conflicts(train: pd.DataFrame) -> tuple[pd.DataFrame, list[str]]:
    """Train without the texts that have more than one label, and a note."""
    n_labels = train.groupby("text", sort=False)["label"].transform("nunique")
    consistent = train[n_labels == 1]
    n_dropped = len(train) - len(consistent)
    note = f"text with conflicting labels: {counted_rows(n_dropped)} of train dropped"
    return consistent, [note] if n_dropped else []


def _cleaned(column: pd.Series, steps: Sequence[str]) -> pd.Series:
    is_present = ~is_missing(column)
    texts = clean_texts((str(text) for text in column[is_present]), steps)
    return column.astype(object).mask(is_present, pd.Series(texts, column.index[is_present]))


def _named(column: pd.Series, class_names: Sequence[str] | None) -> pd.Series:
    """Labels, with class ids replaced by their names; None if missing."""
    raw = column.astype(object).where(~is_missing(column), None)
    if class_names is None:
        return raw
    names = [None if pd.isna(each) else class_names[int(each)] for each in raw]
    return pd.Series(names, raw.index, dtype=object)


def match_labels(mapping: Mapping[Any, Any], present: Collection[Label]) -> dict[Label, Any]:
    """New names of the labels that are present; ConfigError if two keys match the same label.

    A key matches as it would be written in a file; true and false in any case, since YAML reads the
    `True`, `TRUE` or `true` of a CSV file as one value.
    """
    new_names: dict[Label, Any] = {}
    for key, name in mapping.items():
        text = label_text(key)
        number = label_number(text)
        for label in present:
            same = label in (text, number) or (
                isinstance(key, bool) and str(label).casefold() == text.casefold()
            )
            if same and new_names.setdefault(label, name) != name:
                message = f"maps {label!r} to both {new_names[label]!r} and {name!r}"
                raise ConfigError(Problem("dataset.label_map", message))
    return new_names


def _complete(frame: pd.DataFrame) -> pd.DataFrame:
    complete = frame[~(is_missing(frame["text"]) | is_missing(frame["label"]))]
    return complete.assign(text=complete["text"].astype("str"))


def _nothing_left(split: SplitName) -> Problem:
    return Problem("dataset.missing", f"drop leaves no rows in {split}")
