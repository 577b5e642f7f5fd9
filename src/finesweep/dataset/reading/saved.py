"""Folders saved with `datasets`' `save_to_disk`."""

from __future__ import annotations

import json
from pathlib import Path

import datasets

from finesweep.dataset.reading.files import Table
from finesweep.dataset.reading.tables.columnar import feature_names
from finesweep.errors import ConfigError, Problem

SPLIT = "state.json"
"""A file in the folder of a single split."""
DATASET_DICT = "dataset_dict.json"
"""A file in the folder of several splits, with their names."""


def is_saved_split(folder: Path) -> bool:
    return (folder / SPLIT).is_file()


def saved_splits(folder: Path) -> list[str] | None:
    """Split names of a saved DatasetDict; None if the folder is not one."""
    if not (folder / DATASET_DICT).is_file():
        return None
    return list(json.loads((folder / DATASET_DICT).read_text(encoding="utf-8")).get("splits", []))


def read_saved(folder: Path, *, field: str) -> Table:
    """One saved split; ConfigError for field if `datasets` cannot read it."""
    try:
        split = datasets.load_from_disk(str(folder))
        return Table(split.to_pandas(), feature_names(split.features))
    except (OSError, ValueError, KeyError, TypeError) as error:
        message = f"{folder}, written by save_to_disk, cannot be read: {error}"
        raise ConfigError(Problem(field, message)) from None
