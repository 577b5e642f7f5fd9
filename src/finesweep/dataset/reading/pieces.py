"""Input and output of all readers: a file with its format, and pieces of its rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from finesweep.config.schema import DatasetConfig

SEPARATOR_NAMES = {"comma": ",", "semicolon": ";", "tab": "\t", "\\t": "\t", "bar": "|"}


@dataclass(frozen=True)
class Piece:
    """Some rows of a file, and the share of the file read so far."""

    rows: pd.DataFrame
    share: float
    """Share of the file's bytes or rows, in [0, 1]."""
    class_names: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Column → names of its classes 0 … C-1, if the file has them."""


@dataclass(frozen=True)
class Format:
    """The configured format of a file; None is guessed from the content."""

    encoding: str = "utf-8"
    encoding_errors: str = "strict"
    separator: str | None = None
    quoting: str | None = None
    columns: tuple[str, ...] = ()
    """Column names of a file without a header."""
    on_bad_lines: str = "error"
    sheet_name: str | None = None
    texts: tuple[str, ...] = ("text",)
    """Text columns, by which a header is recognised."""
    labels: tuple[str, ...] = ()
    """Label columns; empty if not needed."""


@dataclass(frozen=True)
class TableFile:
    """A file to read."""

    path: Path
    format: Format = field(default_factory=Format)
    on_note: Callable[[str], None] = lambda note: None
    """Called with each guess, and each count of what was left out."""

    def note(self, message: str) -> None:
        self.on_note(f"{self.path.name}: {message}")

    def guess(self, message: str, name: str) -> None:
        """Notes a guess, and the field of the dataset that overrides it."""
        self.note(f"{message}; dataset.{name} sets it")


def format_of(config: DatasetConfig) -> Format:
    """The file format of the config."""
    return Format(
        encoding=config.encoding,
        encoding_errors=config.encoding_errors,
        separator=separator_of(config.separator),
        quoting=config.quoting,
        columns=tuple(config.columns),
        on_bad_lines=config.on_bad_lines,
        sheet_name=config.sheet_name,
        texts=tuple(config.text_columns or [config.text_column]),
        labels=tuple(config.label_columns or [config.label_column]),
    )


def separator_of(name: str | None) -> str | None:
    """The separator, from its character or a name: Hydra's grammar rejects a bare `;`, and shells
    pass a tab as two characters."""
    return None if name is None else SEPARATOR_NAMES.get(name, name)
