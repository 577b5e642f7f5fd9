"""Columns of 0 and 1, one for each of several labels, made into the one column of labels."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from finesweep.dataset.labels.values import label_number, label_text
from finesweep.dataset.row_filters import Frames, is_missing
from finesweep.dataset.validation import listed, raise_all
from finesweep.errors import Problem
from finesweep.labelsets import decode_sets, encode_sets
from finesweep.records import SplitName

FALSE_OR_TRUE = {"false": 0, "true": 1}
"""What may stand in such a column, in any capitals, beside 0 and 1."""
FIELD = "dataset.label_columns"


def label_kinds(columns: Sequence[str]) -> dict[str, str]:
    """The names under which the columns of labels stand in a frame that was read, and theirs."""
    return {_kind(place): column for place, column in enumerate(columns)}


def with_label_sets(frames: Frames, columns: Sequence[str]) -> Frames:
    """Frames whose label is the number of the set of those that hold; one that lacks any of them is
    missing.

    ConfigError when a column holds anything but 0 and 1, or false and true.
    """
    kinds = [_kind(place) for place in range(len(columns))]
    raise_all(
        [
            problem
            for split, frame in frames.items()
            for kind, column in zip(kinds, columns, strict=True)
            for problem in _value_problems(split, column, frame[kind])
        ]
    )
    return {
        split: frame.drop(columns=kinds).assign(label=_numbers(frame[kinds]))
        for split, frame in frames.items()
    }


def set_problems(train: pd.Series, columns: Sequence[str], *, field: str = FIELD) -> list[Problem]:
    """Labels of which train, the column label of its frame, has one side only."""
    n_rows = decode_sets(train.to_numpy(), len(columns)).sum(axis=0)
    sides = {0: "no row", len(train): "every row"}
    return [
        Problem(field, f"{column!r} holds for {sides[int(n)]} of train; both are needed")
        for column, n in zip(columns, n_rows, strict=True)
        if n in sides
    ]


def _kind(place: int) -> str:
    return f"label {place}"


def _numbers(held: pd.DataFrame) -> pd.Series:
    lacking = np.column_stack([is_missing(held[kind]) for kind in held]).any(axis=1)
    known = held[~lacking].apply(lambda column: column.map(_held))
    numbers = encode_sets(known.to_numpy(dtype=np.int64).reshape(-1, held.shape[1]))
    return pd.Series(numbers.astype(object), known.index, dtype=object).reindex(held.index)


def _held(raw: object) -> int | None:
    """0 or 1; None of anything that is neither."""
    text = label_text(raw)
    number = label_number(text)
    return int(number) if number in (0, 1) else FALSE_OR_TRUE.get(text.casefold())


def _value_problems(split: SplitName, name: str, column: pd.Series) -> list[Problem]:
    there = column[~is_missing(column)].astype(object)
    texts = {label_text(value) for value in there.unique() if _held(value) is None}
    other = [text if (n := label_number(text)) is None else n for text in texts]
    if not other:
        return []
    told = listed(sorted(other, key=str))
    hint = "a column of class names is a dataset.label_column"
    return [Problem(FIELD, f"{name!r} of {split} holds {told}, not just 0 and 1; {hint}")]
