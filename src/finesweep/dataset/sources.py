"""Raw splits from the Hub or from files, before any cleaning."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from math import isnan

import pandas as pd

from finesweep.config.schema import DatasetConfig
from finesweep.dataset.labels.columns import label_kinds
from finesweep.dataset.reading.file_sets import FileSet, file_sets_of, unread_entries
from finesweep.dataset.reading.files import read_file, read_texts
from finesweep.dataset.reading.hub import hub_name, read_hub, without_unlabelled
from finesweep.dataset.reading.pieces import format_of
from finesweep.dataset.reading.saved import read_saved
from finesweep.dataset.reading.tables.headers import UNNAMED
from finesweep.dataset.row_filters import is_missing
from finesweep.dataset.text_pairs import join_columns
from finesweep.dataset.validation import column_problems, field_of, raise_all
from finesweep.errors import ConfigError, Problem
from finesweep.records import SplitName
from finesweep.wording import counted_rows, listed

BYTE_ORDER_MARK = "\ufeff"
LABELS = ("dataset.label_column", "dataset.label_columns")
"""Fields that name columns with labels."""


@dataclass(frozen=True)
class RawDataset:
    """Frames with columns text, label (or one per label column) and, if configured, pair and group,
    indexed by row from 1."""

    frames: dict[SplitName, pd.DataFrame]
    """Train, and validation and test if the source has them."""
    class_names: tuple[str, ...] | None
    """Names of labels 0 … C-1 from the source; None if it has none."""
    notes: tuple[str, ...] = ()
    """Guesses about the files' format, and rows left out of them, one sentence each."""


def read_source(config: DatasetConfig) -> RawDataset:
    """The configured splits as the source has them; ConfigError lists their problems."""
    notes: list[str] = []
    if (hub := hub_name(config)) is None:
        tables, class_names = read_file_sets(file_sets_of(config), config, on_note=notes.append)
        if unread := unread_entries(config):
            notes.append(f"not read in {config.path}: {listed(unread)}")
    else:
        tables, class_names = read_hub(hub, label_column=config.label_column)
    columns = _columns(config)
    for split in _unlabelled(tables, columns, config):
        del tables[split]
        notes.append(f"{split} of the source has no labels: not used")
    raise_all(column_problems(tables, columns))
    frames = {name: _rows(table, columns) for name, table in tables.items()}
    for split, table in tables.items():
        frames[split], repeated = _without_headers(frames[split], table)
        if repeated:
            what = "that repeats the header" if repeated == 1 else "that repeat the header"
            notes.append(f"{counted_rows(repeated)} of {split} {what} left out")
    if config.text_columns:
        names = ", then ".join(config.text_columns)
        notes.append(f"a text joins {names}, one per line, without missing ones")
    return RawDataset(frames, class_names, tuple(dict.fromkeys(notes)))


def _unlabelled(
    tables: Mapping[SplitName, pd.DataFrame], columns: Mapping[str, str], config: DatasetConfig
) -> list[SplitName]:
    """Splits that come with the data but keep their labels back, as the tests of benchmarks do."""
    labels = [column for kind, column in columns.items() if field_of(kind) in LABELS]
    unnamed = [s for s in tables if s != "train" and getattr(config.files, s) is None]
    held = {s: tables[s][[c for c in labels if c in tables[s].columns]] for s in unnamed}
    return [split for split in unnamed if held[split].apply(is_missing).to_numpy().all()]


def _columns(config: DatasetConfig) -> dict[str, str]:
    """Column names in a raw frame → column names in the source."""
    columns = {"text": config.text_column, "label": config.label_column}
    if config.text_columns:
        columns = {**_text_kinds(config.text_columns), "label": config.label_column}
    if config.label_columns:
        del columns["label"]
        columns |= label_kinds(config.label_columns)
    if config.pair_column is not None:
        columns["pair"] = config.pair_column
    if config.group_column is not None:
        columns["group"] = config.group_column
    return columns


def _text_kinds(columns: Sequence[str]) -> dict[str, str]:
    return {f"text {index}": column for index, column in enumerate(columns)}


def read_file_sets(
    file_sets: Mapping[SplitName, FileSet], config: DatasetConfig, *, on_note: Callable[[str], None]
) -> tuple[dict[SplitName, pd.DataFrame], tuple[str, ...] | None]:
    """A table for each split, its files concatenated, and the class names, which all files share,
    if they have them. ConfigError lists the problems of all splits."""
    tables: dict[SplitName, pd.DataFrame] = {}
    names: dict[SplitName, tuple[str, ...] | None] = {}
    problems: list[Problem] = []
    for split, file_set in file_sets.items():
        if len(file_set.files) > 1 and not file_set.label_folders:
            parts = listed([file.name for file in file_set.files])
            on_note(f"{split} is {len(file_set.files):,} files: {parts}")
        try:
            tables[split], names[split] = _read(file_set, config, on_note)
        except ConfigError as error:
            problems += error.problems
    raise_all(problems)
    labelled = [split for split, table in tables.items() if config.label_column in table.columns]
    other = next((split for split in labelled if names[split] != names["train"]), None)
    if other is not None:
        message = f"class names of {other}, {names[other]}, differ from train's, {names['train']}"
        raise ConfigError(Problem(file_sets[other].field, message))
    return tables, names["train"]


def file_stamps(config: DatasetConfig) -> list[tuple[str, int, int]]:
    """Name, modification time (ns) and size (bytes) of each local file, to detect changes."""
    if hub_name(config) is not None:
        return []
    files = [file for file_set in file_sets_of(config).values() for file in file_set.files]
    inner = [each for file in files if file.is_dir() for each in sorted(file.rglob("*"))]
    return [
        (str(f), s.st_mtime_ns, s.st_size)
        for f in (*files, *inner)
        if f.is_file() and (s := f.stat())
    ]


def _read(
    file_set: FileSet, config: DatasetConfig, on_note: Callable[[str], None]
) -> tuple[pd.DataFrame, tuple[str, ...] | None]:
    label, file_format = config.label_column, format_of(config)
    if file_set.label_folders:
        columns = {"text": config.text_column, "label": label}
        texts = read_texts(
            file_set.files, columns, field=file_set.field, file_format=file_format, on_note=on_note
        )
        return texts, None
    if file_set.saved:
        tables = [read_saved(file, field=file_set.field) for file in file_set.files]
    else:
        tables = [
            read_file(str(file), field=file_set.field, file_format=file_format, on_note=on_note)
            for file in file_set.files
        ]
    names = tables[0].class_names.get(label)
    for file, table in zip(file_set.files[1:], tables[1:], strict=True):
        if lacking := set(tables[0].rows.columns) - set(table.rows.columns):
            lacks = f"{file} has no column {listed(sorted(lacking))}, which {file_set.files[0]} has"
            raise ConfigError(Problem(file_set.field, lacks))
        if (other := table.class_names.get(label)) != names:
            differ = f"class names of {file}, {other}, differ from those of {file_set.files[0]}"
            raise ConfigError(Problem(file_set.field, f"{differ}, {names}"))
    rows = pd.concat([table.rows for table in tables], ignore_index=True)
    if names is not None and label in rows.columns:
        rows = without_unlabelled(rows, label)
    return rows, names


def _without_headers(frame: pd.DataFrame, table: pd.DataFrame) -> tuple[pd.DataFrame, int]:
    """frame without rows that repeat table's header, as in files concatenated by hand, and their
    number."""
    names = [str(name) for name in table.columns]
    if len(names) < 2:
        return frame, 0
    repeats = pd.Series(True, table.index)
    for index, name in enumerate(names):
        cells = table.iloc[:, index].astype(object)
        repeats &= cells.map(partial(_is_name, name=name)).astype(bool)
        if not repeats.any():
            return frame, 0
    return frame[~repeats.to_numpy()], int(repeats.sum())


def _is_name(cell: object, *, name: str) -> bool:
    """Whether a header's cell was read as this column name: a byte order mark is dropped, and blank
    and duplicate names are replaced."""
    if isinstance(cell, str):
        header = cell.removeprefix(BYTE_ORDER_MARK)
        return name == header or re.fullmatch(re.escape(header) + r"\.\d+", name) is not None
    is_missing = cell is None or (isinstance(cell, float) and isnan(cell))
    return is_missing and name.startswith(UNNAMED)


def _rows(table: pd.DataFrame, columns: Mapping[str, str]) -> pd.DataFrame:
    """The configured columns, renamed; row 1 is the first row after a file's header."""
    frame = pd.DataFrame({name: table[column] for name, column in columns.items()})
    if parts := [name for name in columns if name.startswith("text ")]:
        frame = frame.assign(text=join_columns([frame[part] for part in parts]))
        frame = frame.drop(columns=parts)
    frame.index = pd.RangeIndex(1, len(frame) + 1)
    return frame
