"""Facts about the columns of a table, by which their roles are guessed."""

from __future__ import annotations

import re
from dataclasses import dataclass

import pandas as pd

from finesweep.dataset.labels.lists import LISTS, with_label_lists
from finesweep.dataset.labels.values import label_number, label_text
from finesweep.dataset.row_filters import is_missing
from finesweep.dataset.words import count_words

N_SAMPLE = 5_000
"""Rows looked at, evenly spaced, since files are often sorted by label."""
SEPARATORS = (",", ";")
"""Separators of several labels in one cell, besides the bar, which is detected in training too."""
BINARY = {"0", "1", "true", "false"}


@dataclass(frozen=True)
class Column:
    """One column of a table."""

    name: str
    n_values: int
    """Cells that are not blank."""
    n_distinct: int
    """Distinct values, or distinct members of lists."""
    characters: float
    """Mean length of a value."""
    words: float
    """Mean words of a value."""
    digits: float
    """Share of digits among the characters."""
    is_number: bool
    is_whole: bool
    """Whether all values are whole numbers."""
    is_binary: bool
    """Whether all values are 0 or 1, or true or false."""
    is_list: bool
    separator: str | None = None
    """Separator of the labels in a cell, where dataset.label_separator must name it."""


def columns_of(table: pd.DataFrame) -> list[Column]:
    """The facts of each column that has any values, in the table's order."""
    sample = table.iloc[:: max(1, len(table) // N_SAMPLE)]
    cells = [(str(name), sample.iloc[:, index]) for index, name in enumerate(sample.columns)]
    present = [(name, column[~is_missing(column)].map(_hashable)) for name, column in cells]
    return [_column(name, column) for name, column in present if len(column)]


def _column(name: str, column: pd.Series) -> Column:
    members, separator = _members(column)
    if members is None:
        texts = [label_text(each) for each in column]
        distinct = set(texts)
    else:
        texts = [" ".join(map(label_text, each)) for each in members]
        distinct = {label_text(each) for row in members for each in row}
    numbers = [label_number(each) for each in distinct]
    size = sum(map(len, texts))
    is_number = all(_is_number(each) for each in distinct)
    is_binary = {each.casefold() for each in distinct} <= BINARY
    return Column(
        name=name,
        n_values=len(texts),
        n_distinct=len(distinct),
        characters=size / len(texts),
        words=sum(count_words(each)[0] for each in texts) / len(texts),
        digits=sum(map(str.isdigit, "".join(texts))) / max(1, size),
        is_number=is_number,
        is_whole=is_number and all(isinstance(each, int) for each in numbers),
        is_binary=members is None and is_binary,
        is_list=members is not None,
        separator=separator,
    )


def _hashable(cell: object) -> object:
    """The cell; a mapping, or anything else that is no label, as text."""
    is_plain = isinstance(cell, (str, int, float, *LISTS))
    return cell if is_plain else str(cell)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _members(column: pd.Series) -> tuple[list[tuple[object, ...]] | None, str | None]:
    """The labels in each cell and the separator to configure; None if cells are not lists."""
    lists, _ = with_label_lists({"train": pd.DataFrame({"label": column})}, None)
    if lists is not None:
        return [each if isinstance(each, tuple) else (each,) for each in lists["train"]], None
    if any(isinstance(value, LISTS) for value in column):
        return None, None
    strings = {value for value in column if isinstance(value, str)}
    for separator in SEPARATORS:
        if _separates(separator, strings):
            rows = (re.split(rf"\s*{re.escape(separator)}\s*", str(each)) for each in column)
            return [tuple(filter(None, row)) for row in rows], separator
    return None, None


def _separates(separator: str, strings: set[str]) -> bool:
    """Whether each part of the strings that contain the separator also occurs alone."""
    several = [each.split(separator) for each in strings if separator in each]
    alone = {each.strip() for each in strings if separator not in each}
    return bool(several) and all(part.strip() in alone for row in several for part in row)
