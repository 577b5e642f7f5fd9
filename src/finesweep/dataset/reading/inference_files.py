"""Files whose rows are to be answered: read piece by piece, whatever their labels are."""

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

N_ROWS = 1024
"""Rows that are answered together."""
TAB = "\t"


def read_rows(
    path: Path,
    *,
    field: str,
    encoding: str,
    written: Format | None = None,
    say: Callable[[str], None] = lambda note: None,
) -> Iterator[Piece]:
    """A table's rows by its extension, or by its header where the extension says nothing, or one
    row for each line of any other file.

    written says more of how a table is written; say is called with what was found by looking.
    ConfigError, naming field, when it is absent, empty, or broken where it has been read to.
    """
    written = replace(written or Format(), encoding=encoding)
    hint = "--encoding="
    if plain_suffix(path) in READERS or _is_table(path, written):
        yield from read_pieces(
            str(path), field=field, written=written, hint=hint, n_rows=N_ROWS, say=say
        )
    else:
        yield from read_lines(path, field=field, encoding=encoding, hint=hint)


def _is_table(path: Path, written: Format) -> bool:
    """Whether a file whose extension does not say so is a table for certain: of a binary format,
    fastText's, or with the columns of texts in its header and the same number of fields in each
    line."""
    if not path.is_file() or (reader := reader_of(path)) is None:
        return False
    if not isinstance(reader, partial):
        return True
    if written.separator or written.columns:
        return True
    file = TableFile(path, written)
    try:
        columns = sampled_columns(file)
    except UnicodeDecodeError:
        return False  # it is told of when the lines are read
    return len(columns) > 1 and set(written.texts) <= set(columns)


def with_joined_text(rows: pd.DataFrame, columns: Sequence[str]) -> pd.DataFrame:
    """rows with one column more, joined_name of these, which holds them as a model that learned
    from dataset.text_columns reads them; rows alone where there are none.

    ConfigError when one is not there.
    """
    if not columns:
        return rows
    known = [str(name) for name in rows.columns]
    if lacking := next((name for name in columns if name not in known), None):
        told = f"no column {lacking!r}; {nearest(lacking, known)}"
        raise ConfigError(Problem("dataset.text_columns", told))
    joined = join_columns([rows[name] for name in columns])
    return rows.assign(**{str(joined_name(columns)): joined})


def joined_name(columns: Sequence[str]) -> str | None:
    """What the column of joined texts is called; None where there are none to join."""
    return " + ".join(columns) or None


def text_column(rows: pd.DataFrame, wanted: str | None, *, option: str) -> str:
    """The column that holds the texts: the wanted one, else `text`, else the only one there is.

    ConfigError, naming option, when there is none of that name.
    """
    columns = [str(name) for name in rows.columns]
    if wanted is None and len(columns) == 1:
        return columns[0]
    name = wanted or "text"
    if name not in columns:
        raise ConfigError(Problem(option, f"no column {name!r}; {nearest(name, columns)}"))
    return name


def pair_column(rows: pd.DataFrame, wanted: str | None, *, first: str, option: str) -> str:
    """The column that holds the second texts of pairs: the wanted one, else `pair`.

    ConfigError, naming option, when there is none of that name, or it is the column of the first
    texts.
    """
    name, columns = wanted or "pair", [str(name) for name in rows.columns]
    if name not in columns:
        told = f"the model reads pairs of texts, and there is no column {name!r} for the second"
        raise ConfigError(Problem(option, f"{told}; {nearest(name, columns)}"))
    if name == first:
        told = f"the model reads pairs of texts, and column {name!r} is that of the first"
        raise ConfigError(Problem(option, f"{told}; the second needs another"))
    return name


def split_pairs(rows: pd.DataFrame, path: Path | None, *, field: str) -> pd.DataFrame:
    """rows of path as a model of pairs takes them: a table as it is, lines cut at their tabs into
    columns text and pair, and blank ones left blank. path is None for standard input.

    ConfigError, naming field, when a line has no tab, or more than one.
    """
    if path is not None and (plain_suffix(path) in READERS or len(rows.columns) > 1):
        return rows
    cut = [line.split(TAB) if line.strip() else ["", ""] for line in rows["text"]]
    if wrong := next((line for line in cut if len(line) != 2), None):
        told = f"each line must be two texts with one tab between them, and {TAB.join(wrong)!r}"
        raise ConfigError(Problem(field, f"{told} has {len(wrong) - 1}"))
    return pd.DataFrame(cut, columns=["text", "pair"])


def pairs_from_arguments(texts: Sequence[str], *, field: str) -> pd.DataFrame:
    """Columns text and pair of texts that follow one another; ConfigError, naming field, when one
    is left over."""
    if len(texts) % 2:
        told = f"the model reads pairs of texts, and {len(texts)} given; they go two by two"
        raise ConfigError(Problem(field, told))
    return pd.DataFrame({"text": texts[::2], "pair": texts[1::2]})
