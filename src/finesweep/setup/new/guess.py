"""A dataset config for a user's file: columns guessed from what is in it, and tried out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd

from finesweep.config import DatasetConfig
from finesweep.dataset import prepare
from finesweep.dataset.labels.encoding import LabelledRows, encode_labels
from finesweep.dataset.labels.values import label_counts, labels_in
from finesweep.dataset.reading.compression import open_compressed
from finesweep.dataset.reading.encodings import likely_encoding
from finesweep.dataset.reading.file_sets import file_sets_of
from finesweep.dataset.reading.hub import hub_name, read_hub
from finesweep.dataset.row_filters import is_missing, with_clean_texts
from finesweep.dataset.sources import read_file_sets, read_source
from finesweep.dataset.text_pairs import with_joined_pairs
from finesweep.errors import ConfigError
from finesweep.records import SPLITS, SplitName, Splits
from finesweep.setup.new.columns import columns_of
from finesweep.setup.new.roles import Roles, guess_roles
from finesweep.setup.new.sizes import carved_size
from finesweep.wording import counted, counted_rows

MAX_MAPPED = 50
"""Classes up to which rare ones are left out by a label_map that names them all."""


SHOWN = 6
"""Labels shown in a comment or a note."""


@dataclass(frozen=True)
class Guess:
    """A dataset as it can be trained on, and how it was found out."""

    config: DatasetConfig
    splits: Splits
    n_rows: Mapping[SplitName, int]
    """Rows of the splits that the source has; others are taken from train."""
    reasons: Mapping[str, str]
    """Field of the dataset → why it has its value; fields that were guessed."""
    notes: tuple[str, ...]
    """What was noticed and left out, one sentence each."""


def guess_dataset(config: DatasetConfig, given: Mapping[str, Any]) -> Guess:
    """The config with the columns of its file; given are the fields that the user set.

    ConfigError when the file cannot be read, has no texts or labels, or cannot be trained on.
    """
    tables, config, notes = _tables(config, given)
    roles = guess_roles(columns_of(tables["train"]), given)
    config, dropped = _without_missing(_with_roles(config, roles), given)
    labelled = _labelled(config)
    config, rare = _without_rare(config, labelled)
    n_rows = {split: len(labelled.frames[split]) for split in SPLITS if split in labelled.frames}
    validation, test = (carved_size(n_rows, split)[0] for split in SPLITS[1:])
    splits = prepare(replace(config, validation_size=validation, test_size=test))
    return Guess(
        config,
        splits,
        n_rows,
        reasons={
            name: text
            for name, text in _reasons(config, splits, [*dropped, *rare]).items()
            if name not in given
        },
        notes=tuple(dict.fromkeys([*notes, *roles.notes, *splits.notes])),
    )


def _tables(
    config: DatasetConfig, given: Mapping[str, Any]
) -> tuple[dict[SplitName, pd.DataFrame], DatasetConfig, list[str]]:
    """All columns of each split, the config with the encoding that reads them, and notes."""
    if (hub := hub_name(config)) is not None:
        return read_hub(hub, label_column=config.label_column)[0], config, []
    notes: list[str] = []
    try:
        return read_file_sets(file_sets_of(config), config, on_note=notes.append)[0], config, notes
    except ConfigError:
        encoding = None if "encoding" in given else _encoding(config)
        if encoding is None:
            raise
    config = replace(config, encoding=encoding)
    tables, _ = read_file_sets(file_sets_of(config), config, on_note=notes.append)
    return tables, config, [f"not UTF-8, read as {encoding}; dataset.encoding sets it", *notes]


def _encoding(config: DatasetConfig) -> str | None:
    """The likely encoding of the first file that is not UTF-8; None if all are, or are unclear."""
    for file_set in file_sets_of(config).values():
        for file in file_set.files:
            if not file.is_file():
                continue
            with open_compressed(file) as (stream, _):
                content = stream.read()
            try:
                content.decode()
            except UnicodeDecodeError:
                return likely_encoding(content)
    return None


def _with_roles(config: DatasetConfig, roles: Roles) -> DatasetConfig:
    several = list(roles.texts) if len(roles.texts) > 1 else []
    return replace(
        config,
        text_column=config.text_column if several else roles.texts[0],
        text_columns=several,
        pair_column=roles.pair,
        label_column=roles.label or config.label_column,
        label_columns=list(roles.labels),
        label_separator=roles.separator if roles.separator else config.label_separator,
    )


def _without_missing(
    config: DatasetConfig, given: Mapping[str, Any]
) -> tuple[DatasetConfig, list[str]]:
    """The config that drops rows without a text or a label, if there are any, and a note."""
    frames = read_source(config).frames.values()
    n = sum(int(frame.apply(is_missing).any(axis=1).sum()) for frame in frames)
    if not n or "missing" in given:
        return config, []
    note = f"{counted_rows(n)} without a text or a label left out"
    return replace(config, missing="drop"), [note]


def _labelled(config: DatasetConfig) -> LabelledRows:
    """The rows with their labels, before any split is taken from train."""
    source = read_source(config)
    raw = with_joined_pairs(with_clean_texts(source.frames, config.clean))
    return encode_labels(raw, source, config)


def _without_rare(config: DatasetConfig, labelled: LabelledRows) -> tuple[DatasetConfig, list[str]]:
    """The config that leaves out classes with too few texts for every split, and a note."""
    names, n_splits = labelled.label_names, 1 + sum(s not in labelled.frames for s in SPLITS[1:])
    train = labelled.frames["train"].drop_duplicates("text")
    counts = label_counts(labels_in(train, len(names)), len(names))
    rare = [name for name, n in zip(names, counts, strict=True) if n < n_splits]
    is_open = not (config.label_map or config.label_columns) and len(names) <= MAX_MAPPED
    if not rare or n_splits == 1 or not is_open or len(names) - len(rare) < 2:
        return config, []
    few = ", ".join(map(repr, rare[:SHOWN])) + (", …" if len(rare) > SHOWN else "")
    which = f"label {few}" if len(rare) == 1 else f"labels {few}"
    label_map = {name: None if name in rare else name for name in names}
    return replace(config, label_map=label_map), [
        f"{which} left out: fewer than {n_splits} texts, one for each split, are too few"
    ]


def _reasons(config: DatasetConfig, splits: Splits, left_out: Sequence[str]) -> dict[str, str]:
    """Field → why it has its value, for the comments of the file and for the screen."""
    n_labels = len(splits.label_names)
    few = ", ".join(map(repr, splits.label_names[:SHOWN])) + (", …" if n_labels > SHOWN else "")
    several = "several of " if splits.multi_label else ""
    of_text = {"text_columns": "the text, a line for each"}
    of_label = {"label_columns": f"several of {n_labels} labels, 1 where a text has it"}
    return {
        **(of_text if config.text_columns else {"text_column": "the text"}),
        **({"pair_column": "the second text of a pair"} if config.pair_column else {}),
        **(
            of_label
            if config.label_columns
            else {"label_column": f"{several}{counted(n_labels, 'label')}: {few}"}
        ),
        **({"label_separator": "between labels of a row"} if config.label_separator else {}),
        **({"encoding": "the file is not UTF-8"} if config.encoding != "utf-8" else {}),
        **{"missing" if "row" in note else "label_map": note for note in left_out},
    }
