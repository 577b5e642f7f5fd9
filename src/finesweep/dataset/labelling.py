"""What was read becomes labelled rows: with one label each, or with the set of those that hold."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from finesweep.config.schema import DatasetConfig
from finesweep.dataset.cleaning import (
    Frames,
    with_mapped_labels,
    without_conflicts,
    without_missing,
)
from finesweep.dataset.label_columns import FIELD, set_problems, with_label_sets
from finesweep.dataset.labels import STRATUM, label_counts, labels_in, with_label_ids
from finesweep.dataset.mistakes import raise_all
from finesweep.dataset.reserved import reserved_problems
from finesweep.dataset.sources import RawDataset
from finesweep.dataset.stratify import strata
from finesweep.errors import Problem
from finesweep.labelsets import members


@dataclass(frozen=True)
class Labelled:
    """Rows that all have a text and a label."""

    raw: Frames
    """Those that were read, with columns text and label, any of which may be missing."""
    frames: Frames
    """Label is an id in [0, C), or the number of a set; then there is a column stratum too."""
    label_names: tuple[str, ...]
    notes: tuple[str, ...]
    """What was dropped, one sentence each."""


def labelled_rows(raw: Frames, source: RawDataset, config: DatasetConfig) -> Labelled:
    """The rows of raw, which are the source's, that can be trained on.

    ConfigError lists what is wrong with their labels.
    """
    made = _sets(raw, config) if config.label_columns else _ids(raw, source, config)
    if config.conflicts == "keep":
        return made
    train, note = without_conflicts(made.frames["train"])
    before, after = (_counts(each, made.label_names) for each in (made.frames["train"], train))
    if ((before > 0) & (after == 0)).any():
        message = "drop takes every row of a class, as all its texts have other labels too"
        raise_all([Problem("dataset.conflicts", message)])
    return Labelled(
        made.raw, {**made.frames, "train": train}, made.label_names, (*made.notes, *note)
    )


def _ids(raw: Frames, source: RawDataset, config: DatasetConfig) -> Labelled:
    raw, mapped = with_mapped_labels(raw, config.label_map, class_names=source.class_names)
    frames, dropped = without_missing(raw, drop=config.missing == "drop")
    frames, names = with_label_ids(
        frames,
        class_names=None if config.label_map else source.class_names,
        label_names=config.label_names,
    )
    raise_all(reserved_problems(names, config))
    return Labelled(raw, frames, names, (*mapped, *dropped))


def _sets(raw: Frames, config: DatasetConfig) -> Labelled:
    names = tuple(config.label_columns)
    raise_all(reserved_problems(names, config))
    raw = with_label_sets(raw, names)
    frames, dropped = without_missing(raw, drop=config.missing == "drop", label_field=FIELD)
    frames = {
        split: frame.assign(label=frame["label"].astype("int64")) for split, frame in frames.items()
    }
    raise_all(set_problems(frames["train"]["label"], names))
    frames = {
        split: frame.assign(**{STRATUM: strata(members(frame["label"].to_numpy(), len(names)))})
        for split, frame in frames.items()
    }
    return Labelled(raw, frames, names, tuple(dropped))


def _counts(frame: pd.DataFrame, names: tuple[str, ...]) -> np.ndarray:
    return label_counts(labels_in(frame, len(names)), len(names))
