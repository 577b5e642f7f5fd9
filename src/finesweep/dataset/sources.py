"""The raw splits that a config names, from the Hub or from files, before any cleaning."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from finesweep.config.schema import DatasetConfig
from finesweep.dataset.files import read_file
from finesweep.dataset.hub import read_hub
from finesweep.dataset.mistakes import column_problems, raise_all
from finesweep.errors import ConfigError, Problem
from finesweep.records import SplitName

FILE_SPLITS: tuple[SplitName, ...] = ("train", "validation", "test")


@dataclass(frozen=True)
class RawDataset:
    """What was read: frames with columns text and label, indexed by row number from 1."""

    frames: dict[SplitName, pd.DataFrame]
    """Train always; validation and test where the source has them."""
    class_names: tuple[str, ...] | None
    """The Hub's names of labels 0 … C-1; None where labels speak for themselves."""


def read_source(config: DatasetConfig) -> RawDataset:
    """The config's splits as its source has them; ConfigError lists what is wrong with them."""
    class_names = None
    if config.hub is None:
        tables = read_files(_files(config), encoding=config.encoding)
    else:
        tables, class_names = read_hub(
            config.hub,
            subset=config.hub_config,
            revision=config.revision,
            label_column=config.label_column,
        )
    columns = {"text": config.text_column, "label": config.label_column}
    raise_all(column_problems(tables, columns))
    frames = {name: _rows(table, columns) for name, table in tables.items()}
    return RawDataset(frames=frames, class_names=class_names)


def read_files(
    files: dict[SplitName, tuple[str, str]], *, encoding: str
) -> dict[SplitName, pd.DataFrame]:
    """A table for each split of files (split → config field, file); all their problems at once."""
    tables: dict[SplitName, pd.DataFrame] = {}
    problems: list[Problem] = []
    for split, (field, file) in files.items():
        try:
            tables[split] = read_file(file, field=field, encoding=encoding)
        except ConfigError as error:
            problems += error.problems
    raise_all(problems)
    return tables


def file_stamps(config: DatasetConfig) -> list[tuple[int, int]]:
    """Time of change and size of each local file, by which a change of them is seen."""
    found = (Path(file) for _, file in _files(config).values())
    return [(stat.st_mtime_ns, stat.st_size) for path in found if (stat := _stat(path))]


def _stat(path: Path) -> os.stat_result | None:
    try:
        return path.stat()
    except OSError:  # package://…, or it does not exist, which reading it will say
        return None


def _files(config: DatasetConfig) -> dict[SplitName, tuple[str, str]]:
    """Split → the config field that names its file, and the file."""
    if config.path is not None:
        return {"train": ("dataset.path", config.path)}
    named = {split: getattr(config.files, split) for split in FILE_SPLITS}
    return {split: (f"dataset.files.{split}", file) for split, file in named.items() if file}


def _rows(table: pd.DataFrame, columns: dict[str, str]) -> pd.DataFrame:
    """The two columns, renamed; row 1 is the first row after a file's header."""
    frame = pd.DataFrame({name: table[column] for name, column in columns.items()})
    frame.index = pd.RangeIndex(1, len(frame) + 1)
    return frame
