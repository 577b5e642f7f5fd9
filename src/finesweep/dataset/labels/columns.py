"""Columns of 0 and 1, one per label, encoded as one column of label sets."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from finesweep.dataset.labels.values import label_number, label_text
from finesweep.dataset.row_filters import Frames, is_missing
from finesweep.dataset.validation import raise_all
from finesweep.errors import Problem
from finesweep.labelsets import decode_sets, encode_sets
from finesweep.records import SplitName
from finesweep.wording import listed

FALSE_OR_TRUE = {"false": 0, "true": 1}
"""Values allowed in a label column besides 0 and 1, in any case."""
FIELD = "dataset.label_columns"


def label_kinds(columns: Sequence[str]) -> dict[str, str]:
    """Names of label columns in a raw frame → their names in the source."""
    return {_kind(index): column for index, column in enumerate(columns)}


def with_label_sets(frames: Frames, columns: Sequence[str]) -> Frames:
    """Frames whose label is the id of the row's label set; missing if any of its label columns is.

    ConfigError if a column contains anything but 0 and 1, or false and true.
    """
    kinds = [_kind(index) for index in range(len(columns))]
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
    """Problems of labels that all or none of train's rows have; train is a column of label sets."""
    n_rows = decode_sets(train.to_numpy(), len(columns)).sum(axis=0)
    counts = {0: "no row", len(train): "every row"}
    return [
        Problem(
            field,
            f"{column!r} is 1 in {counts[int(n)]} of train; 0 and 1 are both needed",
        )
        for column, n in zip(columns, n_rows, strict=True)
        if n in counts
    ]


def _kind(index: int) -> str:
    return f"label {index}"


def _numbers(columns: pd.DataFrame) -> pd.Series:
    incomplete = np.column_stack([is_missing(columns[kind]) for kind in columns]).any(axis=1)
    indicators = columns[~incomplete].apply(lambda column: column.map(_indicator))
    numbers = encode_sets(indicators.to_numpy(dtype=np.int64).reshape(-1, columns.shape[1]))
    return pd.Series(numbers.astype(object), indicators.index, dtype=object).reindex(columns.index)


def _indicator(raw: object) -> int | None:
    """0 or 1; None for any other value."""
    text = label_text(raw)
    number = label_number(text)
    return int(number) if number in (0, 1) else FALSE_OR_TRUE.get(text.casefold())


def _value_problems(split: SplitName, name: str, column: pd.Series) -> list[Problem]:
    values = column[~is_missing(column)].astype(object)
    texts = {label_text(value) for value in values.unique() if _indicator(value) is None}
    other = [text if (n := label_number(text)) is None else n for text in texts]
    if not other:
        return []
    listing = listed(sorted(other, key=str))
    hint = "use dataset.label_column for a column of class names"
    return [Problem(FIELD, f"{name!r} of {split} contains {listing}, not only 0 and 1; {hint}")]
