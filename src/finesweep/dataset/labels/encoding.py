"""Label encoding of raw rows: one label each, or a set of labels."""

from __future__ import annotations

from dataclasses import dataclass, replace

from finesweep.config.schema import DatasetConfig
from finesweep.dataset.labels.columns import FIELD, set_problems, with_label_sets
from finesweep.dataset.labels.lists import single_labels, with_label_lists, with_listed_sets
from finesweep.dataset.labels.notes import label_notes
from finesweep.dataset.labels.reserved import reserved_problems
from finesweep.dataset.labels.values import STRATUM, lost_labels, with_label_ids
from finesweep.dataset.row_filters import (
    Frames,
    with_mapped_labels,
    without_conflicts,
    without_missing,
)
from finesweep.dataset.sources import RawDataset
from finesweep.dataset.stratify import strata
from finesweep.dataset.validation import raise_all
from finesweep.errors import Problem
from finesweep.labelsets import decode_sets


@dataclass(frozen=True)
class LabelledRows:
    """Rows that all have a text and an encoded label."""

    raw: Frames
    """Rows as read, with columns text and label, in which values may be missing."""
    frames: Frames
    """label is an id in [0, C), or the id of a label set with a column stratum."""
    label_names: tuple[str, ...]
    notes: tuple[str, ...]
    """Dropped rows and how labels were read, one sentence each."""
    multi_label: bool = False
    """Whether a text may have several labels, or none."""


def encode_labels(raw: Frames, source: RawDataset, config: DatasetConfig) -> LabelledRows:
    """The rows of raw, which come from source, that have a text and a label, with labels encoded.

    ConfigError lists the problems of their labels.
    """
    labelled = _sets(raw, config) if config.label_columns else _listed(raw, source, config)
    if config.conflicts == "keep":
        return labelled
    train, note = without_conflicts(labelled.frames["train"])
    if len(lost_labels(labelled.frames["train"], train, len(labelled.label_names))):
        message = "drop leaves no rows of a class, as all its texts also have other labels"
        raise_all([Problem("dataset.conflicts", message)])
    return replace(
        labelled, frames={**labelled.frames, "train": train}, notes=(*labelled.notes, *note)
    )


def _listed(raw: Frames, source: RawDataset, config: DatasetConfig) -> LabelledRows:
    """Rows with sets of labels if the label column contains lists, else one label each."""
    members, notes = with_label_lists(raw, config.label_separator)
    if members is None:
        labelled = _ids(raw, source, config)
    elif (single := single_labels(members)) is not None:
        raw = {split: frame.assign(label=single[split]) for split, frame in raw.items()}
        labelled = _ids(raw, source, config)
        notes = ["each list has one label: read as one label per text"]
    else:
        raw, names = with_listed_sets(
            raw,
            members,
            class_names=source.class_names,
            label_names=config.label_names,
            label_map=config.label_map,
        )
        labelled = _with_sets(raw, names, config, field="dataset.label_column")
        notes = [
            *notes,
            f"a text may have several of {len(names)} labels, listed in its row",
        ]
    return replace(labelled, notes=(*notes, *labelled.notes))


def _ids(raw: Frames, source: RawDataset, config: DatasetConfig) -> LabelledRows:
    raw, mapped = with_mapped_labels(raw, config.label_map, class_names=source.class_names)
    frames, dropped = without_missing(raw, drop=config.missing == "drop")
    frames, names = with_label_ids(
        frames,
        class_names=None if config.label_map else source.class_names,
        label_names=config.label_names,
    )
    raise_all(reserved_problems(names, config, in_sets=False))
    columns = {split: raw[split].loc[frame.index, "label"] for split, frame in frames.items()}
    are_named = bool(config.label_names or source.class_names or config.label_map)
    naming_notes = label_notes(columns, are_named=are_named)
    return LabelledRows(raw, frames, names, (*mapped, *dropped, *naming_notes))


def _sets(raw: Frames, config: DatasetConfig) -> LabelledRows:
    names = tuple(config.label_columns)
    return _with_sets(with_label_sets(raw, names), names, config, field=FIELD)


def _with_sets(
    raw: Frames, names: tuple[str, ...], config: DatasetConfig, *, field: str
) -> LabelledRows:
    """Rows whose label is a set of names; errors name field."""
    raise_all(reserved_problems(names, config, in_sets=True))
    frames, dropped = without_missing(raw, drop=config.missing == "drop", label_field=field)
    frames = {
        split: frame.assign(label=frame["label"].astype("int64")) for split, frame in frames.items()
    }
    raise_all(set_problems(frames["train"]["label"], names, field=field))
    frames = {
        split: frame.assign(**{STRATUM: strata(decode_sets(frame["label"].to_numpy(), len(names)))})
        for split, frame in frames.items()
    }
    return LabelledRows(raw, frames, names, tuple(dropped), multi_label=True)
