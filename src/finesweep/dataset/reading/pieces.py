"""What every reader of files takes and gives: how a file is written, and some of its rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from finesweep.config.schema import DatasetConfig

SEPARATOR_NAMES = {"comma": ",", "semicolon": ";", "tab": "\t", "\\t": "\t", "bar": "|"}


@dataclass(frozen=True)
class Piece:
    """Some rows of a file, and how much of it has been read with them."""

    rows: pd.DataFrame
    share: float
    """In [0, 1], of the file's bytes or rows."""
    class_names: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Column → the names of its classes 0 … C-1, where the file itself says them."""


@dataclass(frozen=True)
class Format:
    """How a file is written, as far as its user says so; None is found by looking."""

    encoding: str = "utf-8"
    encoding_errors: str = "strict"
    separator: str | None = None
    quoting: str | None = None
    columns: tuple[str, ...] = ()
    """Names, of a file without a header."""
    on_bad_lines: str = "error"
    sheet_name: str | None = None
    texts: tuple[str, ...] = ("text",)
    """The columns that are wanted for their texts, which tell a header when they stand in it."""
    labels: tuple[str, ...] = ()
    """Those that are wanted for their labels; empty where none are."""


@dataclass(frozen=True)
class TableFile:
    """One file to be read."""

    path: Path
    format: Format = field(default_factory=Format)
    say: Callable[[str], None] = lambda note: None
    """Called with each thing that was found by looking, and each count of what was left out."""

    def note(self, told: str) -> None:
        self.say(f"{self.path.name}: {told}")

    def guess(self, told: str, name: str) -> None:
        """Says what was found by looking, and which field of the dataset would set it."""
        self.note(f"{told}; dataset.{name} sets it")


def format_of(config: DatasetConfig) -> Format:
    """How the config says that its files are written."""
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


def separator_of(given: str | None) -> str | None:
    """The character that is meant; Hydra's grammar takes a bare `;` for an error, and shells pass
    on a tab as two characters."""
    return None if given is None else SEPARATOR_NAMES.get(given, given)
