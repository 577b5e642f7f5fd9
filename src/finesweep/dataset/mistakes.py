"""What users get wrong about a dataset, found early and said in one message."""

from __future__ import annotations

import codecs
from collections.abc import Mapping, Sequence

import pandas as pd

from finesweep.config.schema import DatasetConfig
from finesweep.dataset.cleaners import CLEANERS
from finesweep.errors import ConfigError, Problem, nearest
from finesweep.labelsets import MOST_LABELS
from finesweep.records import SplitName

SHOWN_ROWS = 5
SHOWN_VALUES = 10


def raise_all(problems: Sequence[Problem]) -> None:
    """ConfigError with all of them, if there are any."""
    if problems:
        raise ConfigError(*problems)


def listed(values: Sequence[object]) -> str:
    """The first ten, and how many more there are."""
    more = f" and {len(values) - SHOWN_VALUES:,} more" if len(values) > SHOWN_VALUES else ""
    return ", ".join(repr(value) for value in values[:SHOWN_VALUES]) + more


def counted_rows(count: int) -> str:
    """`1 row`, `1,234 rows`."""
    return f"{count:,} {'row' if count == 1 else 'rows'}"


def request_problems(config: DatasetConfig) -> list[Problem]:
    """What the config alone shows to be wrong, before anything is read."""
    problems = _source_problems(config) + _size_problems(config) + _multi_label_problems(config)
    if config.label_map and config.label_names:
        both = "stands beside dataset.label_names; a map already says the names"
        problems.append(Problem("dataset.label_map", both))
    if config.text_column == config.label_column and not config.label_columns:
        problems.append(
            Problem("dataset.label_column", f"{config.label_column!r} is the text column as well")
        )
    for name in ("text", "label"):
        if config.pair_column is not None and config.pair_column == getattr(
            config, f"{name}_column"
        ):
            told = f"{config.pair_column!r} is the {name} column as well"
            problems.append(Problem("dataset.pair_column", told))
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


def _multi_label_problems(config: DatasetConfig) -> list[Problem]:
    columns, field = config.label_columns, "dataset.label_columns"
    if not columns:
        return []
    found = {
        "names one column; dataset.label_column is for one": len(columns) == 1,
        f"names {len(columns)} columns, of at most {MOST_LABELS}": len(columns) > MOST_LABELS,
        "names a column twice": len(set(columns)) < len(columns),
        f"names the text column {config.text_column!r} as well": config.text_column in columns,
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
    """Columns that a split lacks, with the nearest that it has, and columns that hold lists."""
    problems = []
    for split, table in tables.items():
        for kind, column in columns.items():
            field = field_of(kind)
            if column not in table.columns:
                known = nearest(column, [str(name) for name in table.columns])
                hint = _separator_hint(table)
                problems.append(Problem(field, f"{split} has no column {column!r}; {known}{hint}"))
            elif nested := _nested(table[column]):
                problems.append(
                    Problem(field, f"{column!r} of {split} holds {nested}, not a value")
                )
    return problems


def field_of(kind: str) -> str:
    """The config field that names the columns of a kind: text, label, pair, group, `label 3`."""
    name, _, place = kind.partition(" ")
    return f"dataset.{name}_column{'s' if place else ''}"


def _separator_hint(table: pd.DataFrame) -> str:
    header = str(table.columns[0])
    if table.shape[1] == 1 and any(separator in header for separator in ",;\t|"):
        return " (one column only: .csv is separated by commas, .tsv by tabs)"
    return ""


def _nested(column: pd.Series) -> str | None:
    """The type's name when a value is a list, a mapping or bytes; None when all are scalars."""
    if column.dtype != object:
        return None
    kinds = {type(value) for value in column} - {str}
    return next((kind.__name__ for kind in kinds if hasattr(kind, "__len__")), None)


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
