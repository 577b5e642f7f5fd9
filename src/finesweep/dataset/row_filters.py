"""Texts cleaned, labels renamed; rows without a text or a label, and texts with two labels."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import pandas as pd

from finesweep.dataset.labels.values import Label, label_number, label_text, label_values
from finesweep.dataset.text_cleaners import clean_texts
from finesweep.dataset.validation import listed, missing_problems, raise_all
from finesweep.errors import ConfigError, Problem
from finesweep.records import SplitName
from finesweep.wording import counted_rows

Frames = dict[SplitName, pd.DataFrame]


def with_clean_texts(frames: Frames, steps: Sequence[str]) -> Frames:
    """Frames whose texts, and second texts of pairs, went through these steps of CLEANERS; a
    missing one stays missing."""
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
    """Frames whose labels are the names that mapping gives them, and notes on rows it drops.

    A label is matched as it stands in the data, or by its name of class_names. ConfigError lists
    labels that the mapping lacks.
    """
    if not mapping:
        return frames, []
    values = label_values(
        {split: _named(frame["label"], class_names) for split, frame in frames.items()}
    )
    present = {label for column in values.values() for label in column.dropna()}
    known = match_labels(mapping, present)
    if unknown := present - set(known):
        message = f"does not say what {listed(sorted(unknown, key=str))} is; null drops a label"
        raise ConfigError(Problem("dataset.label_map", message))
    made, notes = {}, []
    for split, frame in frames.items():
        dropped = values[split].map(lambda v: v in known and known[v] is None).astype(bool)
        names = values[split].map(lambda v: str(known[v]) if v in known else None)
        made[split] = frame.assign(label=names)[~dropped]
        if n := int(dropped.sum()):
            notes.append(f"{counted_rows(n)} of {split} dropped by dataset.label_map")
    return made, notes


def without_missing(
    frames: Frames, *, drop: bool, label_field: str = "dataset.label_column"
) -> tuple[Frames, list[str]]:
    """Frames whose every row has a text (str) and a label, and a note on what was dropped.

    ConfigError, which names label_field where it is about labels, when rows are missing and drop is
    false, or when a split has nothing left.
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
    kept = {split: _complete(frame) for split, frame in frames.items()}
    raise_all([_nothing_left(split) for split, frame in kept.items() if frame.empty])
    return kept, notes


def is_missing(column: pd.Series) -> pd.Series:
    """True where there is no value, or only blanks."""
    if pd.api.types.is_numeric_dtype(column):
        return column.isna()
    return column.isna() | column.astype("str").str.strip().eq("")


def without_conflicts(train: pd.DataFrame) -> tuple[pd.DataFrame, list[str]]:
    """Train without any row whose text stands with two labels, and a note."""
    n_labels = train.groupby("text", sort=False)["label"].transform("nunique")
    kept = train[n_labels == 1]
    n_dropped = len(train) - len(kept)
    note = f"text with conflicting labels: {counted_rows(n_dropped)} of train dropped"
    return kept, [note] if n_dropped else []


def _cleaned(column: pd.Series, steps: Sequence[str]) -> pd.Series:
    there = ~is_missing(column)
    texts = clean_texts((str(text) for text in column[there]), steps)
    return column.astype(object).mask(there, pd.Series(texts, column.index[there]))


def _named(column: pd.Series, class_names: Sequence[str] | None) -> pd.Series:
    """The labels, a Hub's ids by their names; None where one is missing."""
    raw = column.astype(object).where(~is_missing(column), None)
    if class_names is None:
        return raw
    names = [None if pd.isna(each) else class_names[int(each)] for each in raw]
    return pd.Series(names, raw.index, dtype=object)


def match_labels(mapping: Mapping[Any, Any], present: Collection[Label]) -> dict[Label, Any]:
    """Label → its new name, of those present; ConfigError when two keys are one of them.

    A key is matched as it would stand in a file; true and false in any capitals, as YAML reads
    what CSV files write as `True`, `TRUE` or `true`.
    """
    found: dict[Label, Any] = {}
    for key, name in mapping.items():
        text = label_text(key)
        number = label_number(text)
        for label in present:
            same = label in (text, number) or (
                isinstance(key, bool) and str(label).casefold() == text.casefold()
            )
            if same and found.setdefault(label, name) != name:
                message = f"says that {label!r} is {found[label]!r}, and that it is {name!r}"
                raise ConfigError(Problem("dataset.label_map", message))
    return found


def _complete(frame: pd.DataFrame) -> pd.DataFrame:
    kept = frame[~(is_missing(frame["text"]) | is_missing(frame["label"]))]
    return kept.assign(text=kept["text"].astype("str"))


def _nothing_left(split: SplitName) -> Problem:
    return Problem("dataset.missing", f"drop takes every row of {split}")
