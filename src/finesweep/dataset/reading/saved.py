"""Folders that `datasets` saved with `save_to_disk`."""

from __future__ import annotations

import json
from pathlib import Path

import datasets

from finesweep.dataset.reading.files import Table
from finesweep.dataset.reading.tables.columnar import feature_names
from finesweep.errors import ConfigError, Problem

SPLIT = "state.json"
"""In the folder of one split."""
DATASET_DICT = "dataset_dict.json"
"""In the folder of several: their names."""


def is_saved_split(folder: Path) -> bool:
    return (folder / SPLIT).is_file()


def saved_splits(folder: Path) -> list[str] | None:
    """The names of the splits that a saved DatasetDict holds; None where the folder is none."""
    if not (folder / DATASET_DICT).is_file():
        return None
    return list(json.loads((folder / DATASET_DICT).read_text(encoding="utf-8")).get("splits", []))


def read_saved(folder: Path, *, field: str) -> Table:
    """One saved split; ConfigError, naming field, when `datasets` cannot read it."""
    try:
        split = datasets.load_from_disk(str(folder))
        return Table(split.to_pandas(), feature_names(split.features))
    except (OSError, ValueError, KeyError, TypeError) as error:
        told = f"{folder}, which save_to_disk wrote, cannot be read: {error}"
        raise ConfigError(Problem(field, told)) from None
