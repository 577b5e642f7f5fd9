"""The raw splits that a config names, from the Hub or from files, before any cleaning."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from finesweep.config.schema import DatasetConfig
from finesweep.dataset.files import read_file, read_texts
from finesweep.dataset.hub import hub_name, read_hub
from finesweep.dataset.label_columns import label_kinds
from finesweep.dataset.mistakes import column_problems, listed, raise_all
from finesweep.dataset.places import Place, places_of
from finesweep.errors import ConfigError, Problem
from finesweep.records import SplitName


@dataclass(frozen=True)
class RawDataset:
    """What was read: frames with columns text, label (or one for each of several labels) and, if
    asked for, pair and group, by row from 1."""

    frames: dict[SplitName, pd.DataFrame]
    """Train always; validation and test where the source has them."""
    class_names: tuple[str, ...] | None
    """The Hub's names of labels 0 … C-1; None where labels speak for themselves."""


def read_source(config: DatasetConfig) -> RawDataset:
    """The config's splits as its source has them; ConfigError lists what is wrong with them."""
    class_names = None
    columns = {"text": config.text_column, "label": config.label_column}
    if (named := hub_name(config)) is None:
        tables = read_places(places_of(config), columns, encoding=config.encoding)
    else:
        tables, class_names = read_hub(named, label_column=config.label_column)
    if config.label_columns:
        columns = {"text": config.text_column, **label_kinds(config.label_columns)}
    if config.pair_column is not None:
        columns["pair"] = config.pair_column
    if config.group_column is not None:
        columns["group"] = config.group_column
    raise_all(column_problems(tables, columns))
    frames = {name: _rows(table, columns) for name, table in tables.items()}
    return RawDataset(frames=frames, class_names=class_names)


def read_places(
    places: Mapping[SplitName, Place], columns: Mapping[str, str], *, encoding: str
) -> dict[SplitName, pd.DataFrame]:
    """A table for each split, its files one behind another; all their problems at once."""
    tables: dict[SplitName, pd.DataFrame] = {}
    problems: list[Problem] = []
    for split, place in places.items():
        try:
            tables[split] = _read(place, columns, encoding)
        except ConfigError as error:
            problems += error.problems
    raise_all(problems)
    return tables


def file_stamps(config: DatasetConfig) -> list[tuple[str, int, int]]:
    """Name, time of change and size of each local file, by which a change of them is seen."""
    if hub_name(config) is not None:
        return []
    files = (file for place in places_of(config).values() for file in place.files)
    return [(str(f), s.st_mtime_ns, s.st_size) for f in files if f.is_file() and (s := f.stat())]


def _read(place: Place, columns: Mapping[str, str], encoding: str) -> pd.DataFrame:
    if place.label_folders:
        return read_texts(place.files, columns, field=place.field, encoding=encoding)
    tables = [read_file(str(f), field=place.field, encoding=encoding) for f in place.files]
    for file, table in zip(place.files[1:], tables[1:], strict=True):
        if lacking := set(tables[0].columns) - set(table.columns):
            lacks = f"{file} has no column {listed(sorted(lacking))}, which {place.files[0]} has"
            raise ConfigError(Problem(place.field, lacks))
    return pd.concat(tables, ignore_index=True)


def _rows(table: pd.DataFrame, columns: Mapping[str, str]) -> pd.DataFrame:
    """The named columns alone, renamed; row 1 is the first row after a file's header."""
    frame = pd.DataFrame({name: table[column] for name, column in columns.items()})
    frame.index = pd.RangeIndex(1, len(frame) + 1)
    return frame
