"""The roles of a table's columns, guessed: texts, the second text of a pair, labels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from finesweep.errors import ConfigError, Problem
from finesweep.setup.new.column_names import (
    LABEL_NAMES,
    NUMBERED,
    PAIR_NAMES,
    TEXT_NAMES,
    TITLE_NAMES,
    first_named,
    has_word,
    key_of,
    may_tell,
)
from finesweep.setup.new.columns import Column
from finesweep.wording import counted

FIELD = "--data"
MAX_DIGITS = 0.4
"""Share of digits above which values are codes or dates, not texts."""
MIN_DISTINCT = 0.3
"""Share of distinct values from which a column may be the text."""
MAX_CLASSES = 150
"""Classes of a column whose name does not say that it is the label."""
MAX_STEPS = 20
"""Distinct numbers with decimals that may still be classes, such as half stars."""
N_LISTED = 12


@dataclass(frozen=True)
class Roles:
    """Which columns are what. label or labels is given, never both."""

    texts: tuple[str, ...]
    """One column, or several that are joined to one text."""
    label: str | None
    labels: tuple[str, ...] = ()
    """Columns of 0 and 1."""
    pair: str | None = None
    separator: str | None = None
    """Separator of several labels in one cell, where it has to be named."""
    notes: tuple[str, ...] = ()
    """Other ways to read the columns, and the fields that choose them, one sentence each."""


def guess_roles(columns: Sequence[Column], given: Mapping[str, Any]) -> Roles:
    """The roles of the columns; given are fields of the dataset, which win over guesses.

    ConfigError when no column can be the text, or the label, with all columns that there are.
    """
    label, labels, others = _given(given)
    taken = (label, *labels)
    texts, pair, notes = _texts([each for each in columns if each.name not in taken], given)
    if not texts:
        raise ConfigError(_problem("a text: distinct values of words", "text", columns))
    if label is None and not labels:
        label, labels, others = _labels([c for c in columns if c.name not in (*texts, pair)])
    if label is None and not labels:
        raise ConfigError(_problem("labels: values that recur in many rows", "label", columns))
    if others:
        listing = _listed(others)
        notes.append(f"could be the label too: {listing}; dataset.label_column=NAME chooses")
    is_open = "label_separator" not in given
    separators = [c.separator for c in columns if c.name == label and is_open]
    return Roles(texts, label, labels, pair, next(iter(separators), None), tuple(notes))


def _given(given: Mapping[str, Any]) -> tuple[str | None, tuple[str, ...], list[Column]]:
    return given.get("label_column"), tuple(given.get("label_columns", ())), []


def _texts(
    columns: Sequence[Column], given: Mapping[str, Any]
) -> tuple[tuple[str, ...], str | None, list[str]]:
    """The text columns, the second text of a pair, and notes on what else they could be."""
    texts = [column for column in columns if _is_text(column)]
    if own := given.get("text_columns") or [given[f] for f in ("text_column",) if f in given]:
        return tuple(own), given.get("pair_column"), []
    if "pair_column" in given:
        texts = [column for column in texts if column.name != given["pair_column"]]
    elif pair := _pair(texts):
        return (pair[0].name,), pair[1].name, []
    if not texts:
        return (), None, []
    named = first_named(texts, TEXT_NAMES)
    longest = max(texts, key=lambda each: (each.words >= 2, each.characters))
    text = named if named is not None and key_of(named.name) not in TITLE_NAMES else longest
    parts = [c for c in texts if key_of(c.name) in TITLE_NAMES and c is not text and c.words > 1]
    others = [c for c in texts if c not in (text, *parts) and c.words >= 2 and may_tell(c.name)]
    notes = []
    if others:
        listing = _listed(others)
        notes.append(f"text not used: {listing}; dataset.text_columns=[A,B] joins columns")
    return (*(part.name for part in parts[:1]), text.name), given.get("pair_column"), notes


def _is_text(column: Column) -> bool:
    is_varied = column.n_distinct >= max(2, MIN_DISTINCT * column.n_values)
    is_plain = not (column.is_list or column.is_number) and column.digits <= MAX_DIGITS
    return is_plain and is_varied


def _pair(texts: Sequence[Column]) -> tuple[Column, Column] | None:
    """The two texts of a pair, by their names."""
    by_key = {key_of(column.name): column for column in texts}
    for first, second in PAIR_NAMES:
        if first in by_key and second in by_key:
            return by_key[first], by_key[second]
    stems: dict[str, list[Column]] = {}
    for key, column in by_key.items():
        if match := NUMBERED.fullmatch(key):
            stems.setdefault(match[1], []).append(column)
    twins = [each for each in stems.values() if len(each) == 2]
    return (twins[0][0], twins[0][1]) if twins else None


def _labels(
    columns: Sequence[Column],
) -> tuple[str | None, tuple[str, ...], list[Column]]:
    """The label column, or the columns of 0 and 1; and other columns that could be the label."""
    able = [column for column in columns if _is_label(column)]
    named = first_named(able, LABEL_NAMES) or first_named(able, LABEL_NAMES, has_word)
    binary = [column for column in columns if column.is_binary and column.n_distinct == 2]
    if len(binary) > 1 and (named is None or (named.is_binary and key_of(named.name) != "label")):
        return None, tuple(column.name for column in binary), []
    if named is None:
        able = [column for column in able if _may_be_label(column)]
    if not able:
        return None, (), []
    # Names of classes before numbers, few classes before many, the last column before the first.
    best = named or min(reversed(able), key=lambda each: (each.is_number, each.n_distinct))
    alike = [best]
    if best.is_number and (names := _names_of(best, able)):
        alike, best = [best, names], names
    others = [c for c in able if c not in alike and c.name != best.name]
    others = [c for c in others if named is None or key_of(c.name) in LABEL_NAMES.split()]
    return best.name, (), others


def _is_label(column: Column) -> bool:
    recurs = 2 <= column.n_distinct <= max(2, column.n_values / 2)
    return recurs and (not column.is_number or column.is_whole or column.n_distinct <= MAX_STEPS)


def _may_be_label(column: Column) -> bool:
    """Whether a column whose name says nothing may be the label."""
    few = column.n_distinct <= max(2, min(column.n_values / 5, MAX_CLASSES))
    return few and may_tell(column.name)


def _names_of(label: Column, columns: Sequence[Column]) -> Column | None:
    """The column with the names of a label's numbers, such as label_text."""
    key = key_of(label.name)
    twins = [
        column
        for column in columns
        if not column.is_number
        and column.n_distinct == label.n_distinct
        and key_of(column.name) in (f"{key}text", f"{key}name", f"{key}str")
    ]
    return twins[0] if twins else None


def _problem(what: str, kind: str, columns: Sequence[Column]) -> Problem:
    message = f"no column looks like {what}; its columns: {_listed(columns)}"
    if len(columns) == 1:
        names = "dataset.text_column=NAME dataset.label_column=NAME"
        return Problem(FIELD, f"{message}; with {names} a header is also found below other lines")
    return Problem(FIELD, f"{message}; dataset.{kind}_column=NAME names it")


def _listed(columns: Sequence[Column]) -> str:
    few = [f"{c.name!r} ({counted(c.n_distinct, 'value')})" for c in columns[:N_LISTED]]
    more = len(columns) - N_LISTED
    return ", ".join(few) + (f" and {more:,} more" if more > 0 else "")
