"""A label column in which each row lists its labels."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from finesweep.dataset.labels.values import label_text, label_values
from finesweep.dataset.row_filters import Frames, is_missing, match_labels
from finesweep.dataset.validation import raise_all
from finesweep.errors import Problem
from finesweep.labelsets import MAX_LABELS, encode_sets
from finesweep.wording import listed

FIELD = "dataset.label_column"
BAR = "|"
LISTS = (list, tuple, np.ndarray)
WITHOUT_COMMAS = re.compile(r"(?<=['\"\w])\s+(?=['\"\w])")
"""The gap between members of a list as NumPy prints it."""
Members = tuple[Any, ...]


def with_label_lists(
    frames: Frames, separator: str | None
) -> tuple[dict[Any, pd.Series] | None, list[str]]:
    """Split → the members of each row's list, missing if it has none, and notes on the guess; None
    if labels are not lists. separator separates the members of a string; '' means that none does;
    with None, strings are lists only if that is certain."""
    present = {
        split: frame["label"][~is_missing(frame["label"])] for split, frame in frames.items()
    }
    values = [value for column in present.values() for value in column]
    parse, note = _parser(values, separator)
    if parse is None:
        return None, note
    members = {split: column.map(parse) for split, column in present.items()}
    whole = {
        split: column.reindex(frames[split].index).astype(object)
        for split, column in members.items()
    }
    return whole, note


def single_labels(members: Mapping[Any, pd.Series]) -> dict[Any, pd.Series] | None:
    """The only member of each list; None if a list has several, or none."""
    if any(len(each) != 1 for column in members.values() for each in column.dropna()):
        return None
    return {
        split: column.map(lambda each: each[0], na_action="ignore")
        for split, column in members.items()
    }


def with_listed_sets(
    frames: Frames,
    members: Mapping[Any, pd.Series],
    *,
    class_names: Sequence[str] | None,
    label_names: Sequence[str] | None,
    label_map: Mapping[Any, Any],
) -> tuple[Frames, tuple[str, ...]]:
    """Frames whose label is the id of each row's label set, and the label names in bit order: from
    class_names or label_names, or train's own.

    ConfigError if a split has labels that train lacks, or there are too many.
    """
    labels = _values(members, class_names)
    if label_map:
        present = _all_labels(labels.values())
        new_names = match_labels(label_map, present)
        if unknown := present - set(new_names):
            message = f"has no entry for {listed(sorted(unknown, key=str))}; null drops a label"
            raise_all([Problem("dataset.label_map", message)])
        labels = {
            split: column.map(partial(_renamed, new_names), na_action="ignore")
            for split, column in labels.items()
        }
    classes = sorted(_all_labels([labels["train"]]))
    names = tuple(map(str, classes))
    if label_names and not label_map:
        classes, names = list(range(len(label_names))), tuple(label_names)
    raise_all(
        _problems({split: _all_labels([column]) for split, column in labels.items()}, classes)
    )
    bits = {label: k for k, label in enumerate(classes)}
    return {
        split: frame.assign(label=_numbers(labels[split], bits)) for split, frame in frames.items()
    }, names


def _parser(
    values: Sequence[Any], separator: str | None
) -> tuple[Callable[[Any], Members] | None, list[str]]:
    """A parser from a value to a list, and notes on the guess; None if labels are not lists."""
    if any(isinstance(value, LISTS) for value in values):
        return lambda value: tuple(value) if isinstance(value, LISTS) else (value,), []
    strings = {value for value in values if isinstance(value, str)}
    if separator:
        return lambda value: _split(str(value), separator), []
    if separator == "" or not strings or len(strings) < len(set(values)):
        return None, []
    if all(_parsed(value) is not None for value in strings):
        note = "labels are read as lists, such as " + repr(min(strings, key=len, default=""))
        return lambda value: _parsed(value) or (), [
            f"{note}; dataset.label_separator='' keeps them whole"
        ]
    parts = {value: _split(value, BAR) for value in strings if BAR in value}
    alone = strings - set(parts)
    if not parts:
        return None, []
    if all(part in alone for row in parts.values() for part in row):
        note = f"labels with {BAR!r} are split, as each part also occurs alone"
        return lambda value: _split(value, BAR), [
            f"{note}; dataset.label_separator='' keeps them whole"
        ]
    note = f"labels with {BAR!r} are not split"
    return None, [f"{note}; dataset.label_separator='{BAR}' splits them"]


def _split(value: str, separator: str) -> Members:
    return tuple(part.strip() for part in value.split(separator) if part.strip())


def _parsed(value: str) -> Members | None:
    """The members of a list written as JSON, Python or NumPy print it; None if it is not a list."""
    text = value.strip()
    if not (text.startswith("[") and text.endswith("]")):
        return None
    for load in (json.loads, ast.literal_eval):
        try:
            parsed = load(text if "," in text else WITHOUT_COMMAS.sub(", ", text))
        except (ValueError, SyntaxError):
            continue
        if isinstance(parsed, list) and not any(isinstance(each, list | dict) for each in parsed):
            return tuple(parsed)
    return None


def _values(
    members: Mapping[Any, pd.Series], class_names: Sequence[str] | None
) -> dict[Any, pd.Series]:
    """The members as labels: numbers if all are, class ids by their names."""
    rows = [row for column in members.values() for row in column.dropna()]
    texts = {label_text(each) for row in rows for each in row}
    if class_names is None:
        (values,) = label_values({"train": pd.Series(sorted(texts), dtype=object)}).values()
        label_by_text = dict(zip(sorted(texts), values, strict=True))
    else:
        label_by_text = {text: class_names[int(text)] for text in texts}
    return {
        split: column.map(
            lambda row: tuple(label_by_text[label_text(each)] for each in row), na_action="ignore"
        )
        for split, column in members.items()
    }


def _renamed(new_names: Mapping[Any, Any], row: Members) -> Members:
    return tuple(str(new_names[each]) for each in row if new_names[each] is not None)


def _all_labels(columns: Iterable[pd.Series]) -> set[Any]:
    return {label for column in columns for row in column.dropna() for label in row}


def _numbers(column: pd.Series, bits: Mapping[Any, int]) -> pd.Series:
    rows_present = column.dropna()
    indicators = np.zeros((len(rows_present), len(bits)), dtype=np.int64)
    for row_index, row in enumerate(rows_present):
        indicators[row_index, [bits[label] for label in row]] = 1
    return pd.Series(
        encode_sets(indicators).astype(object), rows_present.index, dtype=object
    ).reindex(column.index)


def _problems(labels_by_split: Mapping[Any, set[Any]], classes: Sequence[Any]) -> list[Problem]:
    problems = []
    if len(classes) < 2:
        message = f"train has only one label, {listed(list(classes))}; two are needed"
        problems.append(Problem(FIELD, message))
    if len(classes) > MAX_LABELS:
        message = f"its lists contain {len(classes)} labels; at most {MAX_LABELS} are allowed"
        problems.append(Problem(FIELD, f"{message}; dataset.label_map can drop some"))
    for split, labels in labels_by_split.items():
        if unseen := sorted(labels - set(classes), key=str):
            message = (
                f"{split} has {listed(unseen)}, which train lacks; train has {listed(classes)}"
            )
            problems.append(Problem(FIELD, message))
    return problems
