"""Files whose rows are to be answered: read piece by piece, whatever their labels are."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from finesweep.dataset.compression import plain_suffix
from finesweep.dataset.files import read_pieces
from finesweep.dataset.formats import READERS, Piece
from finesweep.dataset.lines import read_lines
from finesweep.errors import ConfigError, Problem, nearest

N_ROWS = 1024
"""Rows that are answered together."""


def read_rows(path: Path, *, field: str, encoding: str) -> Iterator[Piece]:
    """A table's rows by its extension, or one row for each line of any other file.

    ConfigError, naming field, when it is absent, empty, or broken where it has been read to.
    """
    how = {"field": field, "encoding": encoding, "hint": "--encoding="}
    if plain_suffix(path) in READERS:
        yield from read_pieces(str(path), n_rows=N_ROWS, **how)
    else:
        yield from read_lines(path, **how)


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
