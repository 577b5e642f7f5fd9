"""What users get wrong about a dataset, found early and said in one message."""

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
SHOWN_VALUES = 10
N_HEAD = 1000
"""Rows in which a name of a column is looked for as a value."""


def raise_all(problems: Sequence[Problem]) -> None:
    """ConfigError with all of them, if there are any."""
    if problems:
        raise ConfigError(*problems)


def listed(values: Sequence[object]) -> str:
    """The first ten, and how many more there are."""
    more = f" and {len(values) - SHOWN_VALUES:,} more" if len(values) > SHOWN_VALUES else ""
    return ", ".join(repr(value) for value in values[:SHOWN_VALUES]) + more


def request_problems(config: DatasetConfig) -> list[Problem]:
    """What the config alone shows to be wrong, before anything is read."""
    problems = _source_problems(config) + _size_problems(config) + _multi_label_problems(config)
    if config.label_map and config.label_names:
        both = "stands beside dataset.label_names; a map already says the names"
        problems.append(Problem("dataset.label_map", both))
    problems += _text_problems(config) + format_problems(config)
    taken = {"text": config.text_columns or [config.text_column], "label": [config.label_column]}
    problems += [
        Problem("dataset.pair_column", f"{config.pair_column!r} is the {name} column as well")
        for name, columns in taken.items()
        if config.pair_column in columns
    ]
    problems += [
        Problem("dataset.clean", f"{name!r} is no cleaning; {nearest(name, CLEANERS)}")
        for name in config.clean
        if name not in CLEANERS
    ]
    try:
        codecs.lookup(config.encoding)
    except LookupError:
        problems.append(
            Problem("dataset.encoding", f"Python knows no encoding {config.encoding!r}")
        )
    return problems


def _text_problems(config: DatasetConfig) -> list[Problem]:
    texts = config.text_columns or [config.text_column]
    problems = []
    if config.label_column in texts and not config.label_columns:
        told = f"{config.label_column!r} is {'a' if config.text_columns else 'the'} text column"
        problems.append(Problem("dataset.label_column", f"{told} as well"))
    if len(set(texts)) < len(texts):
        problems.append(Problem("dataset.text_columns", "names a column twice"))
    return problems


def format_problems(config: DatasetConfig) -> list[Problem]:
    """What is wrong with what the config says of how files are written."""
    problems = []
    separator = separator_of(config.separator)
    if separator is not None and (len(separator) != 1 or separator in '"\r\n'):
        told = f"{config.separator!r} given; one character is expected, such as ';', '|' or '\\t'"
        problems.append(Problem("dataset.separator", told))
    if len(set(config.columns)) < len(config.columns):
        problems.append(Problem("dataset.columns", f"a name stands twice in {config.columns}"))
    return problems


def _multi_label_problems(config: DatasetConfig) -> list[Problem]:
    columns, field = config.label_columns, "dataset.label_columns"
    if not columns:
        return []
    text = next((t for t in config.text_columns or [config.text_column] if t in columns), None)
    found = {
        "names one column; dataset.label_column is for one": len(columns) == 1,
        f"names {len(columns)} columns, of at most {MAX_LABELS}": len(columns) > MAX_LABELS,
        "names a column twice": len(set(columns)) < len(columns),
        f"names the text column {text!r} as well": text is not None,
        f"names the column {config.pair_column!r} of pairs as well": config.pair_column in columns,
        "stands beside dataset.label_map, which is for one label": bool(config.label_map),
        "stands beside dataset.label_names; its labels have their columns' names": bool(
            config.label_names
        ),
    }
    return [Problem(field, told) for told, holds in found.items() if holds]


def _source_problems(config: DatasetConfig) -> list[Problem]:
    files = config.files
    sources = {
        "dataset.hub": config.hub,
        "dataset.path": config.path,
        "dataset.files": files.train or files.validation or files.test,
    }
    given = [field for field, value in sources.items() if value]
    if len(given) != 1:
        found = f"{' and '.join(given)} are given" if given else "none is given"
        return [
            Problem(
                "dataset",
                f"{found}; give one of dataset.path=FILE, dataset.files.train=FILE, "
                "dataset.hub=OWNER/NAME",
            )
        ]
    if given == ["dataset.files"] and not files.train:
        return [Problem("dataset.files.train", "validation and test files need a train file too")]
    return []


def _size_problems(config: DatasetConfig) -> list[Problem]:
    sizes = {
        "dataset.train_size": config.train_size,
        "dataset.validation_size": config.validation_size,
        "dataset.test_size": config.test_size,
    }
    return [
        Problem(field, f"{size} is neither whole rows nor a share below 1; null is all of it")
        for field, size in sizes.items()
        if isinstance(size, float) and (size == 1 or (size > 1 and not size.is_integer()))
    ]


def column_problems(
    tables: Mapping[SplitName, pd.DataFrame], columns: Mapping[str, str]
) -> list[Problem]:
    """Columns that a split lacks, with the nearest that it has, or has twice, and columns that hold
    no single values; labels may be lists."""
    problems = []
    for split, table in tables.items():
        names = [str(name) for name in table.columns]
        for kind, column in columns.items():
            field = field_of(kind)
            if column not in names:
                known = nearest(column, names)
                hint = _header_hint(table)
                problems.append(Problem(field, f"{split} has no column {column!r}; {known}{hint}"))
            elif (n := names.count(column)) > 1:
                told = f"{split} has {n} columns {column!r}, and which is meant is not known"
                problems.append(Problem(field, f"{told}; give each a name of its own"))
            elif nested := _nested(table[column], lists=kind == "label"):
                problems.append(
                    Problem(field, f"{column!r} of {split} holds {nested}, not a value")
                )
    return problems


def field_of(kind: str) -> str:
    """The config field that names the columns of a kind: text, label, pair, group, `label 3`."""
    name, _, place = kind.partition(" ")
    return f"dataset.{name}_column{'s' if place else ''}"


def _header_hint(table: pd.DataFrame) -> str:
    """What may be wrong with names that are none: they are data, or stand in one column."""
    names = [str(name) for name in table.columns]
    if len(names) == 1 and any(separator in names[0] for separator in ",;\t|"):
        return " (one column only; dataset.separator names what stands between columns)"
    head = table.head(N_HEAD).astype(str)
    if any((head.iloc[:, place] == name).any() for place, name in enumerate(names)):
        listing = ", ".join(f"c{place + 1}" for place in range(len(names)))
        return (
            " (its first row seems to be data; where there is no header, "
            f"dataset.columns=[{listing}] names the columns)"
        )
    return ""


def _nested(column: pd.Series, *, lists: bool) -> str | None:
    """The type's name when a value is a list, a mapping or bytes; None when all are scalars, or,
    where lists may be, lists of them."""
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
    """One problem for each (split, kind) with its missing rows: their number and the first; fields
    are the config's, by kind."""
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
