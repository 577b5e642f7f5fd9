"""Labels as ids in [0, C), with a name for each, or as the numbers of sets of them."""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd

from finesweep.dataset.validation import listed, raise_all
from finesweep.errors import Problem
from finesweep.labelsets import decode_sets
from finesweep.records import SplitName, TextDataset

NUMBER = re.compile(r"-?[0-9]+(?:\.[0-9]+)?(?:e[+-][0-9]+)?")
ROUGHLY_NUMBER = re.compile(r"[+-]?[0-9]+\.?[0-9]*")
"""Also `007` and `1.10`, which stand where their numbers would."""
Label = int | float | str
STRATUM = "stratum"
"""Column of rows that may have several labels: by what they are stratified."""


def with_label_ids(
    frames: dict[SplitName, pd.DataFrame],
    *,
    class_names: Sequence[str] | None,
    label_names: Sequence[str] | None,
) -> tuple[dict[SplitName, pd.DataFrame], tuple[str, ...]]:
    """Frames with labels as ids (int64), and the C names in id order.

    class_names are those of the Hub's ids; otherwise train's labels are the classes, numbers in
    numeric order before strings in alphabetical. label_names, when given, are the names.
    ConfigError when labels do not agree over the splits, with the names, or are too few.
    """
    values = label_values({split: frame["label"] for split, frame in frames.items()})
    seen = {split: sorted(set(column), key=_order) for split, column in values.items()}
    classes: Sequence[Label] = seen["train"] if class_names is None else range(len(class_names))
    raise_all(
        _label_problems(
            seen, n_rows=len(frames["train"]), n_classes=len(classes), label_names=label_names
        )
    )
    ids = {label: number for number, label in enumerate(classes)}
    labelled = {
        split: frame.assign(label=values[split].map(ids).astype("int64"))
        for split, frame in frames.items()
    }
    return labelled, tuple(label_names or class_names or [str(label) for label in classes])


def labels_of(dataset: TextDataset, column: Any) -> np.ndarray:
    """The labels of some of its rows, whose column label is given: [N] int64 in [0, C), or [N, C]
    of 0 and 1 where a text may have several."""
    numbers = np.asarray(column, dtype=np.int64)
    return decode_sets(numbers, len(dataset.label_names)) if dataset.multi_label else numbers


def labels_in(frame: pd.DataFrame, n_labels: int) -> np.ndarray:
    """The same of a frame's rows; those with several labels have a column STRATUM."""
    numbers = frame["label"].to_numpy(dtype=np.int64)
    return decode_sets(numbers, n_labels) if STRATUM in frame else np.asarray(numbers)


def label_counts(labels: np.ndarray, n_labels: int) -> np.ndarray:
    """[C] int: how many rows each label holds for; labels are [N] or [N, C], as above."""
    if labels.ndim == 2:
        return np.asarray(labels.sum(axis=0))
    return np.bincount(labels, minlength=n_labels)


def label_values(columns: Mapping[SplitName, pd.Series]) -> dict[SplitName, pd.Series]:
    """The labels of all splits, None where missing: numbers (int, or float where there are
    decimals) where every label of every split is one, strings otherwise.

    So `1` and `1.0` are one class, as pandas writes whole numbers in both ways, but `007` and `7`
    are two, and `1.10` is not `1.1`: what no program writes for a number is a code.
    """
    texts = {split: _texts(column) for split, column in columns.items()}
    known = {text for each in texts.values() for text in each if text}
    numbers = {text: label_number(text) for text in known}
    labels: Mapping[str, Label | None] = numbers
    if None in numbers.values():
        labels = {text: text for text in known}
    return {
        # Not Series.map, which makes floats of ints that stand beside floats.
        split: pd.Series([labels.get(text) for text in each], columns[split].index, dtype=object)
        for split, each in texts.items()
    }


def label_text(raw: object) -> str:
    """One label as it stands in a CSV: a whole number without decimals, whatever it was read as;
    blanks around it, and how Unicode composes its letters (NFC), make no difference."""
    if isinstance(raw, int | np.integer) and not isinstance(raw, bool):
        return str(int(raw))
    if isinstance(raw, float | np.floating | Decimal) and math.isfinite(raw):
        return str(int(raw)) if raw == int(raw) else str(raw)
    return unicodedata.normalize("NFC", str(raw)).strip()


def label_number(text: str) -> int | float | None:
    """The number that a program writes so; None of `007`, `+1`, `1e3`, `1_000`, `1.10`, `nan`."""
    if NUMBER.fullmatch(text) is None:
        return None
    if text.lstrip("-").isdigit():
        return int(text) if str(int(text)) == text else None
    number = float(text)
    if not math.isfinite(number) or str(number) != text:
        return None
    return int(number) if number.is_integer() else number


def _texts(column: pd.Series) -> list[str]:
    """The label_text of each row, `` where it is missing."""
    raw = column.astype(object).where(column.notna(), "")
    # By type too: True and 1 are one key of a dict.
    texts = {key: label_text(key[1]) for key in {(type(each), each) for each in raw}}
    return [texts[type(each), each] for each in raw]


def _order(label: Label) -> tuple[bool, float, bool, str]:
    """Numbers first, also those among strings, in numeric order; then strings alphabetically."""
    text = str(label)
    if ROUGHLY_NUMBER.fullmatch(text) is None:
        return True, 0.0, True, text
    return False, float(text), label_number(text) is None, text


def _label_problems(
    seen: Mapping[SplitName, Iterable[Label]],
    *,
    n_rows: int,
    n_classes: int,
    label_names: Sequence[str] | None,
) -> list[Problem]:
    """What is wrong with the labels of each split, of which train has n_rows."""
    train = list(seen["train"])
    problems = []
    if len(train) < 2:
        message = f"train has one class only, {listed(train)}; two are needed"
        problems.append(Problem("dataset.label_column", message))
    if len(train) > max(2, n_rows / 2):
        message = (
            f"{len(train):,} labels in {n_rows:,} rows are no classes; is it the right column?"
        )
        problems.append(Problem("dataset.label_column", message))
    for split, labels in seen.items():
        if unseen := [label for label in labels if label not in train]:
            message = f"{split} has {listed(unseen)}, which train never saw; it has {listed(train)}"
            problems.append(Problem("dataset.label_column", message))
    return problems + _name_problems(train, n_classes=n_classes, label_names=label_names)


def _name_problems(
    train: Sequence[Label], *, n_classes: int, label_names: Sequence[str] | None
) -> list[Problem]:
    if label_names is None:
        return []
    if len(label_names) != n_classes:
        message = f"{len(label_names)} given for {n_classes} classes: {listed(train)}"
    elif any(label not in range(n_classes) for label in train):
        message = f"names labels 0 … {n_classes - 1}, but the labels are {listed(train)}"
    elif len(set(label_names)) < n_classes:
        message = f"a name stands twice in {listed(label_names)}"
    else:
        return []
    return [Problem("dataset.label_names", message)]
