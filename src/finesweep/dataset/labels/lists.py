"""A column in which each row has the list of its labels, of which a text may have several."""

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
from finesweep.dataset.validation import listed, raise_all
from finesweep.errors import Problem
from finesweep.labelsets import MAX_LABELS, encode_sets

FIELD = "dataset.label_column"
BAR = "|"
LISTS = (list, tuple, np.ndarray)
WITHOUT_COMMAS = re.compile(r"(?<=['\"\w])\s+(?=['\"\w])")
"""Between the members of a list as NumPy prints it."""
Members = tuple[Any, ...]


def with_label_lists(
    frames: Frames, separator: str | None
) -> tuple[dict[Any, pd.Series] | None, list[str]]:
    """Split → the members of each row's list, missing where it has none, and what was found by
    looking; None where labels are no lists. separator stands between the members of a string, ''
    where nothing does; where it is None, strings are lists only if that is certain."""
    held = {split: frame["label"][~is_missing(frame["label"])] for split, frame in frames.items()}
    values = [value for column in held.values() for value in column]
    parse, note = _parser(values, separator)
    if parse is None:
        return None, note
    members = {split: column.map(parse) for split, column in held.items()}
    whole = {
        split: column.reindex(frames[split].index).astype(object)
        for split, column in members.items()
    }
    return whole, note


def single_labels(members: Mapping[Any, pd.Series]) -> dict[Any, pd.Series] | None:
    """The only member of each list; None where one has several, or none."""
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
    """Frames whose label is the number of the set of each row's labels, and the labels' names, in
    the order of the bits: those of class_names or label_names, or train's own.

    ConfigError when splits hold labels that train does not, or there are too many.
    """
    named = _values(members, class_names)
    if label_map:
        present = _seen(named.values())
        known = match_labels(label_map, present)
        if unknown := present - set(known):
            told = f"does not say what {listed(sorted(unknown, key=str))} is; null drops a label"
            raise_all([Problem("dataset.label_map", told)])
        named = {
            split: column.map(partial(_renamed, known), na_action="ignore")
            for split, column in named.items()
        }
    classes = sorted(_seen([named["train"]]))
    names = tuple(map(str, classes))
    if label_names and not label_map:
        classes, names = list(range(len(label_names))), tuple(label_names)
    raise_all(_problems({split: _seen([column]) for split, column in named.items()}, classes))
    bits = {label: k for k, label in enumerate(classes)}
    return {
        split: frame.assign(label=_numbers(named[split], bits)) for split, frame in frames.items()
    }, names


def _parser(
    values: Sequence[Any], separator: str | None
) -> tuple[Callable[[Any], Members] | None, list[str]]:
    """How a value becomes a list, and what to say of that; None where labels are no lists."""
    if any(isinstance(value, LISTS) for value in values):
        return lambda value: tuple(value) if isinstance(value, LISTS) else (value,), []
    strings = {value for value in values if isinstance(value, str)}
    if separator:
        return lambda value: _split(str(value), separator), []
    if separator == "" or not strings or len(strings) < len(set(values)):
        return None, []
    if all(_parsed(value) is not None for value in strings):
        note = "labels are written as lists, such as " + repr(min(strings, key=len, default=""))
        return lambda value: _parsed(value) or (), [f"{note}; dataset.label_separator='' keeps it"]
    parts = {value: _split(value, BAR) for value in strings if BAR in value}
    alone = strings - set(parts)
    if not parts:
        return None, []
    if all(part in alone for row in parts.values() for part in row):
        note = f"labels with {BAR!r} are several, as each also stands alone"
        return lambda value: _split(value, BAR), [f"{note}; dataset.label_separator='' keeps them"]
    note = f"labels with {BAR!r} are read as one each"
    return None, [f"{note}; dataset.label_separator='{BAR}' makes several of them"]


def _split(value: str, separator: str) -> Members:
    return tuple(part.strip() for part in value.split(separator) if part.strip())


def _parsed(value: str) -> Members | None:
    """The members of a list written as JSON, Python or NumPy write it; None where it is no list."""
    text = value.strip()
    if not (text.startswith("[") and text.endswith("]")):
        return None
    for read in (json.loads, ast.literal_eval):
        try:
            found = read(text if "," in text else WITHOUT_COMMAS.sub(", ", text))
        except (ValueError, SyntaxError):
            continue
        if isinstance(found, list) and not any(isinstance(each, list | dict) for each in found):
            return tuple(found)
    return None


def _values(
    members: Mapping[Any, pd.Series], class_names: Sequence[str] | None
) -> dict[Any, pd.Series]:
    """The members as any other labels are read: numbers where all are, ids by their names."""
    rows = [row for column in members.values() for row in column.dropna()]
    texts = {label_text(each) for row in rows for each in row}
    if class_names is None:
        (read,) = label_values({"train": pd.Series(sorted(texts), dtype=object)}).values()
        known = dict(zip(sorted(texts), read, strict=True))
    else:
        known = {text: class_names[int(text)] for text in texts}
    return {
        split: column.map(
            lambda row: tuple(known[label_text(each)] for each in row), na_action="ignore"
        )
        for split, column in members.items()
    }


def _renamed(known: Mapping[Any, Any], row: Members) -> Members:
    return tuple(str(known[each]) for each in row if known[each] is not None)


def _seen(columns: Iterable[pd.Series]) -> set[Any]:
    return {label for column in columns for row in column.dropna() for label in row}


def _numbers(column: pd.Series, bits: Mapping[Any, int]) -> pd.Series:
    there = column.dropna()
    held = np.zeros((len(there), len(bits)), dtype=np.int64)
    for place, row in enumerate(there):
        held[place, [bits[label] for label in row]] = 1
    return pd.Series(encode_sets(held).astype(object), there.index, dtype=object).reindex(
        column.index
    )


def _problems(seen: Mapping[Any, set[Any]], classes: Sequence[Any]) -> list[Problem]:
    problems = []
    if len(classes) < 2:
        told = f"train has one label only, {listed(list(classes))}; two are needed"
        problems.append(Problem(FIELD, told))
    if len(classes) > MAX_LABELS:
        told = f"its lists hold {len(classes)} labels, of at most {MAX_LABELS}"
        problems.append(Problem(FIELD, f"{told}; dataset.label_map leaves some out"))
    for split, labels in seen.items():
        if unseen := sorted(labels - set(classes), key=str):
            told = f"{split} has {listed(unseen)}, which train never saw; it has {listed(classes)}"
            problems.append(Problem(FIELD, told))
    return problems
