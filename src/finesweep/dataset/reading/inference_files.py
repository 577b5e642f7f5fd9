"""Files to predict on, read in pieces, whether or not they have labels."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import pandas as pd

from finesweep.dataset.reading.compression import plain_suffix
from finesweep.dataset.reading.files import read_pieces
from finesweep.dataset.reading.formats import READERS, Format, Piece, TableFile, reader_of
from finesweep.dataset.reading.tables.layouts import sampled_columns
from finesweep.dataset.reading.text_lines import read_lines
from finesweep.dataset.text_pairs import join_columns
from finesweep.errors import ConfigError, Problem, nearest
from finesweep.wording import counted

N_ROWS = 1024
"""Rows predicted at once."""
TAB = "\t"


def read_rows(
    path: Path,
    *,
    field: str,
    encoding: str,
    file_format: Format | None = None,
    on_note: Callable[[str], None] = lambda note: None,
) -> Iterator[Piece]:
    """A table's rows if the extension or, for generic extensions, the header says that it is one;
    else one row per line.

    file_format overrides the guessed format of a table; on_note is called with each guess.
    ConfigError for field if the file is absent, empty or broken.
    """
    file_format = replace(file_format or Format(), encoding=encoding)
    hint = "--encoding="
    if plain_suffix(path) in READERS or _is_table(path, file_format):
        yield from read_pieces(
            str(path),
            field=field,
            file_format=file_format,
            hint=hint,
            n_rows=N_ROWS,
            on_note=on_note,
        )
    else:
        yield from read_lines(TableFile(path, file_format, on_note), field=field, hint=hint)


def _is_table(path: Path, file_format: Format) -> bool:
    """Whether a file with a generic extension is certainly a table: a binary format, fastText, or
    with the text columns in its header and equally many fields in each line."""
    if not path.is_file() or (reader := reader_of(path)) is None:
        return False
    if not isinstance(reader, partial):
        return True
    if file_format.separator or file_format.columns:
        return True
    file = TableFile(path, file_format)
    try:
        columns = sampled_columns(file)
    except UnicodeDecodeError:
        return False  # reported when the lines are read
    return len(columns) > 1 and set(file_format.texts) <= set(columns)


def with_joined_text(rows: pd.DataFrame, columns: Sequence[str]) -> pd.DataFrame:
    """rows with an extra column joined_name(columns): the text that a model trained with
    dataset.text_columns reads; unchanged without columns.

    ConfigError if a column is missing.
    """
    if not columns:
        return rows
    names = [str(name) for name in rows.columns]
    if missing := next((name for name in columns if name not in names), None):
        message = f"no column {missing!r}; {nearest(missing, names)}"
        raise ConfigError(Problem("dataset.text_columns", message))
    joined = join_columns([rows[name] for name in columns])
    return rows.assign(**{str(joined_name(columns)): joined})


def joined_name(columns: Sequence[str]) -> str | None:
    """Name of the column of joined texts; None without columns."""
    return " + ".join(columns) or None


def text_column(rows: pd.DataFrame, column: str | None, *, option: str) -> str:
    """Name of the text column: column, else `text`, else the only one.

    ConfigError for option if there is no such column.
    """
    columns = [str(name) for name in rows.columns]
    if column is None and len(columns) == 1:
        return columns[0]
    name = column or "text"
    if name not in columns:
        raise ConfigError(Problem(option, f"no column {name!r}; {nearest(name, columns)}"))
    return name


def pair_column(rows: pd.DataFrame, column: str | None, *, first: str, option: str) -> str:
    """Name of the column of second texts: column, else `pair`.

    ConfigError for option if there is no such column, or if it is also the column of first texts.
    """
    name, columns = column or "pair", [str(name) for name in rows.columns]
    if name not in columns:
        message = f"the model needs pairs of texts, and there is no column {name!r} for the second"
        raise ConfigError(Problem(option, f"{message}; {nearest(name, columns)}"))
    if name == first:
        message = f"the model needs pairs of texts, and column {name!r} is already the first text"
        raise ConfigError(Problem(option, f"{message}; choose another for the second"))
    return name


def split_pairs(rows: pd.DataFrame, path: Path | None, *, field: str) -> pd.DataFrame:
    """rows of path for a pair model: a table unchanged, lines split at their tab into columns text
    and pair, blank lines as blank pairs. path is None for standard input.

    ConfigError for field if a line does not have exactly one tab.
    """
    if path is not None and (plain_suffix(path) in READERS or len(rows.columns) > 1):
        return rows
    pairs = [line.split(TAB) if line.strip() else ["", ""] for line in rows["text"]]
    if invalid := next((line for line in pairs if len(line) != 2), None):
        message = f"each line must be two texts separated by one tab; {TAB.join(invalid)!r}"
        raise ConfigError(Problem(field, f"{message} has {counted(len(invalid) - 1, 'tab')}"))
    return pd.DataFrame(pairs, columns=["text", "pair"])


def pairs_from_arguments(texts: Sequence[str], *, field: str) -> pd.DataFrame:
    """Consecutive texts as columns text and pair; ConfigError for field if their number is odd."""
    if len(texts) % 2:
        message = f"the model needs pairs of texts, but {len(texts)} texts are not whole pairs"
        raise ConfigError(Problem(field, message))
    return pd.DataFrame({"text": texts[::2], "pair": texts[1::2]})
