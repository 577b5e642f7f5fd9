"""Labels as ids in [0, C) with names, or as ids of label sets."""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd

from finesweep.dataset.validation import raise_all
from finesweep.errors import Problem
from finesweep.labelsets import decode_sets
from finesweep.records import SplitName, TextDataset
from finesweep.wording import listed

NUMBER = re.compile(r"-?[0-9]+(?:\.[0-9]+)?(?:e[+-][0-9]+)?")
ROUGHLY_NUMBER = re.compile(r"[+-]?[0-9]+\.?[0-9]*")
"""Also `007` and `1.10`, which are sorted as numbers."""
Label = int | float | str
STRATUM = "stratum"
"""Column by which rows with several labels are stratified."""


def with_label_ids(
    frames: dict[SplitName, pd.DataFrame],
    *,
    class_names: Sequence[str] | None,
    label_names: Sequence[str] | None,
) -> tuple[dict[SplitName, pd.DataFrame], tuple[str, ...]]:
    """Frames with labels as ids (int64), and the C names in id order.

    class_names are the Hub's; without them train's labels are the classes, numbers in numeric order
    before strings in alphabetical order. label_names, if set, replace the names. ConfigError if
    labels differ between splits, do not match the names, or are too few.
    """
    values = label_values({split: frame["label"] for split, frame in frames.items()})
    labels_by_split = {split: sorted(set(column), key=_order) for split, column in values.items()}
    classes: Sequence[Label] = (
        labels_by_split["train"] if class_names is None else range(len(class_names))
    )
    raise_all(
        _label_problems(
            labels_by_split,
            n_rows=len(frames["train"]),
            n_classes=len(classes),
            label_names=label_names,
        )
    )
    ids = {label: number for number, label in enumerate(classes)}
    labelled = {
        split: frame.assign(label=values[split].map(ids).astype("int64"))
        for split, frame in frames.items()
    }
    return labelled, tuple(label_names or class_names or [str(label) for label in classes])


def labels_of(dataset: TextDataset, column: Any) -> np.ndarray:
    """Labels of some rows, from their column label: [N] int64 in [0, C), or [N, C] of 0 and 1 if a
    text may have several."""
    numbers = np.asarray(column, dtype=np.int64)
    return decode_sets(numbers, len(dataset.label_names)) if dataset.multi_label else numbers


def labels_in(frame: pd.DataFrame, n_labels: int) -> np.ndarray:
    """Labels of a frame's rows, as in labels_of; a column STRATUM marks label sets."""
    numbers = frame["label"].to_numpy(dtype=np.int64)
    return decode_sets(numbers, n_labels) if STRATUM in frame else np.asarray(numbers)


def label_counts(labels: np.ndarray, n_labels: int) -> np.ndarray:
    """[C] int, rows of each label; labels are [N] or [N, C], as above."""
    if labels.ndim == 2:
        return np.asarray(labels.sum(axis=0))
    return np.bincount(labels, minlength=n_labels)


def lost_labels(before: pd.DataFrame, after: pd.DataFrame, n_labels: int) -> np.ndarray:
    """[K] int, the labels that rows of before have and no row of after has."""
    n_before, n_after = (
        label_counts(labels_in(frame, n_labels), n_labels) for frame in (before, after)
    )
    return np.flatnonzero((n_before > 0) & (n_after == 0))


def label_values(columns: Mapping[SplitName, pd.Series]) -> dict[SplitName, pd.Series]:
    """The labels of all splits, None if missing: numbers (int, or float with decimals) if every
    label of every split is one, else strings.

    So `1` and `1.0` are one class, since pandas writes whole numbers both ways, but `007` and `7`
    are two, and `1.10` is not `1.1`: a number that no program writes this way is a code.
    """
    texts = {split: _texts(column) for split, column in columns.items()}
    distinct = {text for each in texts.values() for text in each if text}
    numbers = {text: label_number(text) for text in distinct}
    labels: Mapping[str, Label | None] = numbers
    if None in numbers.values():
        labels = {text: text for text in distinct}
    return {
        # Not Series.map, which turns ints among floats into floats.
        split: pd.Series([labels.get(text) for text in each], columns[split].index, dtype=object)
        for split, each in texts.items()
    }


def label_text(raw: object) -> str:
    """A label as written in a CSV: whole numbers without decimals, surrounding blanks stripped,
    Unicode in NFC."""
    if isinstance(raw, int | np.integer) and not isinstance(raw, bool):
        return str(int(raw))
    if isinstance(raw, float | np.floating | Decimal) and math.isfinite(raw):
        return str(int(raw)) if raw == int(raw) else str(raw)
    return unicodedata.normalize("NFC", str(raw)).strip()


def label_number(text: str) -> int | float | None:
    """The number that a program writes this way; None for `007`, `+1`, `1e3`, `1_000`, `1.10`,
    `nan`."""
    if NUMBER.fullmatch(text) is None:
        return None
    if text.lstrip("-").isdigit():
        return int(text) if str(int(text)) == text else None
    number = float(text)
    if not math.isfinite(number) or str(number) != text:
        return None
    return int(number) if number.is_integer() else number


def _texts(column: pd.Series) -> list[str]:
    """The label_text of each row, empty if missing."""
    raw = column.astype(object).where(column.notna(), "")
    # Keyed by type too: True and 1 are the same dict key.
    texts = {key: label_text(key[1]) for key in {(type(each), each) for each in raw}}
    return [texts[type(each), each] for each in raw]


def _order(label: Label) -> tuple[bool, float, bool, str]:
    """Sort key: numbers first, also among strings, in numeric order; then strings
    alphabetically."""
    text = str(label)
    if ROUGHLY_NUMBER.fullmatch(text) is None:
        return True, 0.0, True, text
    return False, float(text), label_number(text) is None, text


def _label_problems(
    labels_by_split: Mapping[SplitName, Iterable[Label]],
    *,
    n_rows: int,
    n_classes: int,
    label_names: Sequence[str] | None,
) -> list[Problem]:
    """Problems of the labels of each split; train has n_rows."""
    train = list(labels_by_split["train"])
    problems = []
    if len(train) < 2:
        message = f"train has only one class, {listed(train)}; two are needed"
        problems.append(Problem("dataset.label_column", message))
    if len(train) > max(2, n_rows / 2):
        message = (
            f"{len(train):,} labels in {n_rows:,} rows look like free text, not classes; "
            "is it the right column?"
        )
        problems.append(Problem("dataset.label_column", message))
    for split, labels in labels_by_split.items():
        if unseen := [label for label in labels if label not in train]:
            message = f"{split} has {listed(unseen)}, which train lacks; train has {listed(train)}"
            problems.append(Problem("dataset.label_column", message))
    return problems + _name_problems(train, n_classes=n_classes, label_names=label_names)


def _name_problems(
    train: Sequence[Label], *, n_classes: int, label_names: Sequence[str] | None
) -> list[Problem]:
    if label_names is None:
        return []
    if len(label_names) != n_classes:
        message = f"{len(label_names)} set for {n_classes} classes: {listed(train)}"
    elif any(label not in range(n_classes) for label in train):
        message = f"names labels 0 … {n_classes - 1}, but the labels are {listed(train)}"
    elif len(set(label_names)) < n_classes:
        message = f"duplicate name in {listed(label_names)}"
    else:
        return []
    return [Problem("dataset.label_names", message)]
