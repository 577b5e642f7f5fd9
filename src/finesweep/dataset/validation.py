"""Checks of a dataset's config and columns, with all problems in one message."""

from __future__ import annotations

import codecs
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from finesweep.config.schema import DatasetConfig
from finesweep.dataset.reading.pieces import separator_of
from finesweep.dataset.text_cleaners import CLEANERS
from finesweep.errors import ConfigError, Problem, nearest
from finesweep.labelsets import MAX_LABELS
from finesweep.records import SplitName

SHOWN_ROWS = 5
N_HEAD = 1000
"""Rows searched for a column name among the values."""


def raise_all(problems: Sequence[Problem]) -> None:
    """ConfigError with all of them, if there are any."""
    if problems:
        raise ConfigError(*problems)


def request_problems(config: DatasetConfig) -> list[Problem]:
    """Problems of the config alone, before anything is read."""
    problems = _source_problems(config) + _size_problems(config) + _multi_label_problems(config)
    if config.label_map and config.label_names:
        both = "is set together with dataset.label_names; the map already names the labels"
        problems.append(Problem("dataset.label_map", both))
    problems += _text_problems(config) + format_problems(config)
    columns_by_kind = {
        "text": config.text_columns or [config.text_column],
        "label": [config.label_column],
    }
    problems += [
        Problem("dataset.pair_column", f"{config.pair_column!r} is also the {name} column")
        for name, columns in columns_by_kind.items()
        if config.pair_column in columns
    ]
    problems += [
        Problem("dataset.clean", f"unknown cleaning step {name!r}; {nearest(name, CLEANERS)}")
        for name in config.clean
        if name not in CLEANERS
    ]
    try:
        codecs.lookup(config.encoding)
    except LookupError:
        problems.append(Problem("dataset.encoding", f"unknown encoding {config.encoding!r}"))
    return problems


def _text_problems(config: DatasetConfig) -> list[Problem]:
    texts = config.text_columns or [config.text_column]
    problems = []
    if config.label_column in texts and not config.label_columns:
        kind = "a" if config.text_columns else "the"
        message = f"{config.label_column!r} is also {kind} text column"
        problems.append(Problem("dataset.label_column", message))
    if len(set(texts)) < len(texts):
        problems.append(Problem("dataset.text_columns", "names a column twice"))
    return problems


def format_problems(config: DatasetConfig) -> list[Problem]:
    """Problems of the config's file format."""
    problems = []
    separator = separator_of(config.separator)
    if separator is not None and (len(separator) != 1 or separator in '"\r\n'):
        message = f"{config.separator!r} is not one character, such as ';', '|' or '\\t'"
        problems.append(Problem("dataset.separator", message))
    if len(set(config.columns)) < len(config.columns):
        problems.append(Problem("dataset.columns", f"duplicate name in {config.columns}"))
    return problems


def _multi_label_problems(config: DatasetConfig) -> list[Problem]:
    columns, field = config.label_columns, "dataset.label_columns"
    if not columns:
        return []
    text = next((t for t in config.text_columns or [config.text_column] if t in columns), None)
    conditions = {
        "names one column; use dataset.label_column instead": len(columns) == 1,
        f"names {len(columns)} columns; at most {MAX_LABELS} are allowed": len(columns)
        > MAX_LABELS,
        "names a column twice": len(set(columns)) < len(columns),
        f"also names the text column {text!r}": text is not None,
        f"also names the pair column {config.pair_column!r}": config.pair_column in columns,
        "is set together with dataset.label_map, which is for a single label": bool(
            config.label_map
        ),
        "is set together with dataset.label_names; labels are named after their columns": bool(
            config.label_names
        ),
    }
    return [Problem(field, message) for message, holds in conditions.items() if holds]


def _source_problems(config: DatasetConfig) -> list[Problem]:
    files = config.files
    sources = {
        "dataset.hub": config.hub,
        "dataset.path": config.path,
        "dataset.files": files.train or files.validation or files.test,
    }
    fields = [field for field, value in sources.items() if value]
    if len(fields) != 1:
        what = f"{' and '.join(fields)} are set" if fields else "no source is set"
        return [
            Problem(
                "dataset",
                f"{what}; set one of dataset.path=FILE, dataset.files.train=FILE, "
                "dataset.hub=OWNER/NAME",
            )
        ]
    if fields == ["dataset.files"] and not files.train:
        return [Problem("dataset.files.train", "validation and test files also need a train file")]
    return []


def _size_problems(config: DatasetConfig) -> list[Problem]:
    sizes = {
        "dataset.train_size": config.train_size,
        "dataset.validation_size": config.validation_size,
        "dataset.test_size": config.test_size,
    }
    return [
        Problem(
            field,
            f"{size} must be a whole number of rows or a fraction below 1; null keeps all rows",
        )
        for field, size in sizes.items()
        if isinstance(size, float) and (size == 1 or (size > 1 and not size.is_integer()))
    ]


def column_problems(
    tables: Mapping[SplitName, pd.DataFrame], columns: Mapping[str, str]
) -> list[Problem]:
    """Columns that are missing, with the nearest name, or duplicate, or nested; labels may be
    lists."""
    problems = []
    for split, table in tables.items():
        names = [str(name) for name in table.columns]
        for kind, column in columns.items():
            field = field_of(kind)
            if column not in names:
                closest = nearest(column, names)
                hint = _header_hint(table)
                problems.append(
                    Problem(field, f"{split} has no column {column!r}; {closest}{hint}")
                )
            elif (n := names.count(column)) > 1:
                message = f"{split} has {n} columns {column!r}; give each its own name"
                problems.append(Problem(field, message))
            elif nested := _nested(table[column], lists=kind == "label"):
                problems.append(
                    Problem(field, f"{column!r} of {split} contains {nested}, not a single value")
                )
    return problems


def field_of(kind: str) -> str:
    """The config field of a kind of column: text, label, pair, group, `label 3`."""
    name, _, index = kind.partition(" ")
    return f"dataset.{name}_column{'s' if index else ''}"


def _header_hint(table: pd.DataFrame) -> str:
    """A hint if the names look like data, or like several columns in one."""
    names = [str(name) for name in table.columns]
    if len(names) == 1 and any(separator in names[0] for separator in ",;\t|"):
        return " (only one column; dataset.separator sets the separator)"
    head = table.head(N_HEAD).astype(str)
    if any((head.iloc[:, index] == name).any() for index, name in enumerate(names)):
        listing = ", ".join(f"c{index + 1}" for index in range(len(names)))
        return (
            " (its first row looks like data; without a header, "
            f"dataset.columns=[{listing}] names the columns)"
        )
    return ""


def _nested(column: pd.Series, *, lists: bool) -> str | None:
    """The type name of a list, mapping or bytes among the values; None if all are scalars or, if
    lists is true, lists of scalars."""
    if column.dtype != object:
        return None
    for value in column:
        if lists and isinstance(value, list | tuple | np.ndarray):
            inner = next((type(each).__name__ for each in value if _is_nested(each)), None)
            if inner is not None:
                return f"{type(value).__name__} of {inner}"
        elif _is_nested(value):
            return type(value).__name__
    return None


def _is_nested(value: object) -> bool:
    return not isinstance(value, str) and hasattr(value, "__len__")


def missing_problems(
    missing: Mapping[tuple[SplitName, str], pd.Index], fields: Mapping[str, str]
) -> list[Problem]:
    """One problem for each (split, kind), with the number of missing rows and the first of them;
    fields maps a kind to its config field."""
    problems = []
    for (split, kind), rows in missing.items():
        first = ", ".join(str(row) for row in rows[:SHOWN_ROWS])
        more = ", …" if len(rows) > SHOWN_ROWS else ""
        problems.append(
            Problem(
                fields[kind],
                f"{kind} is missing or blank in {len(rows):,} of {split}'s rows "
                f"(row {first}{more}); dataset.missing=drop drops them",
            )
        )
    return problems
