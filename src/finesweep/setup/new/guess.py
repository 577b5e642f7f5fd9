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
from finesweep.dataset.sources import RawDataset, read_file_sets, read_source
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
    config = _with_roles(config, roles)
    source = read_source(config)
    left_out = {} if "missing" in given else _missing(source)
    config = replace(config, missing="drop") if left_out else config
    labelled = _labelled(source, config)
    if rare := _rare(config, labelled):
        config = replace(
            config, label_map={n: None if n in rare else n for n in labelled.label_names}
        )
        left_out["label_map"] = f"null leaves out {_few(rare)}: too few texts for every split"
    n_rows = {split: len(labelled.frames[split]) for split in SPLITS if split in labelled.frames}
    validation, test = (carved_size(n_rows, split)[0] for split in SPLITS[1:])
    splits = prepare(replace(config, validation_size=validation, test_size=test))
    reasons = _reasons(config, splits) | left_out
    return Guess(
        config,
        splits,
        n_rows,
        reasons={name: text for name, text in reasons.items() if name not in given},
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


def _missing(source: RawDataset) -> dict[str, str]:
    """Why dataset.missing drops rows, if there are any to drop."""
    frames = [frame.drop(columns="group", errors="ignore") for frame in source.frames.values()]
    n = sum(int(frame.apply(is_missing).any(axis=1).sum()) for frame in frames)
    return {"missing": f"{counted_rows(n)} without a text or a label"} if n else {}


def _labelled(source: RawDataset, config: DatasetConfig) -> LabelledRows:
    """The rows with their labels, before any split is taken from train."""
    raw = with_joined_pairs(with_clean_texts(source.frames, config.clean))
    return encode_labels(raw, source, config)


def _rare(config: DatasetConfig, labelled: LabelledRows) -> list[str]:
    """Classes with too few texts for each split that is taken from train, if a label_map can leave
    them out and others stay."""
    names, n_splits = labelled.label_names, 1 + sum(s not in labelled.frames for s in SPLITS[1:])
    is_named = config.label_map or config.label_names or config.label_columns
    if is_named or n_splits == 1 or len(names) > MAX_MAPPED:
        return []
    train = labelled.frames["train"].drop_duplicates("text")
    counts = label_counts(labels_in(train, len(names)), len(names))
    rare = [name for name, n in zip(names, counts, strict=True) if n < n_splits]
    return rare if len(names) - len(rare) > 1 else []


def _few(labels: Sequence[str]) -> str:
    return ", ".join(map(repr, labels[:SHOWN])) + (", …" if len(labels) > SHOWN else "")


def _reasons(config: DatasetConfig, splits: Splits) -> dict[str, str]:
    """Field → why it has its value, for the comments of the file and for the screen."""
    labels = counted(len(splits.label_names), "label")
    several = "several of " if splits.multi_label else ""
    by_field = {
        "text_columns": "the text, a line for each",
        "text_column": "the text",
        "pair_column": "the second text of a pair",
        "label_columns": f"several of {labels}, 1 where a text has it",
        "label_column": f"{several}{labels}: {_few(splits.label_names)}",
        "label_separator": "between labels of a row",
        "encoding": "the file is not UTF-8",
    }
    unused = {
        "text_column": bool(config.text_columns),
        "label_column": bool(config.label_columns),
        "encoding": config.encoding == DatasetConfig.encoding,
    }
    return {
        field: text
        for field, text in by_field.items()
        if getattr(config, field) and not unused.get(field, False)
    }
