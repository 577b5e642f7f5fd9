"""The configured dataset: read, cleaned, labelled, split, sized and fingerprinted."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import replace

import datasets
import numpy as np
import pandas as pd

from finesweep.config.schema import DatasetConfig
from finesweep.dataset.labels.encoding import encode_labels
from finesweep.dataset.row_filters import with_clean_texts
from finesweep.dataset.sources import file_stamps, read_source
from finesweep.dataset.splits import carve_missing, subsample
from finesweep.dataset.text_pairs import with_joined_pairs
from finesweep.dataset.validation import raise_all, request_problems
from finesweep.records import SPLITS, SplitName, Splits, TextDataset
from finesweep.wording import counted, counted_rows

FEATURES = datasets.Features({"text": datasets.Value("string"), "label": datasets.Value("int64")})


MAX_CACHED = 2
"""Datasets kept in memory per process."""


def load_dataset(config: DatasetConfig) -> TextDataset:
    """The three splits of the config, deterministic for a config and its source.

    Rows keep the source's order; an official validation or test split is kept unless its size
    subsamples it. A process reads them once while their files do not change. ConfigError lists what
    the user must change and, with checks=strict, every severe finding.
    """
    # Trials vary max_length, which matters only when batches are made: it is no part of the key.
    config = replace(config, max_length=DatasetConfig.max_length)
    key = repr((config, file_stamps(config)))
    if key not in _cached:
        while len(_cached) >= MAX_CACHED:
            del _cached[next(iter(_cached))]
        _cached[key] = _read(config)
    return _cached[key]


_cached: dict[str, TextDataset] = {}


def prepare(config: DatasetConfig) -> Splits:
    """The three splits as tables, indexed by the rows' numbers in their source.

    ConfigError lists what the user must change.
    """
    raise_all(request_problems(config))
    source = read_source(config)
    # Joined after cleaning: a tag left open in one text must not swallow the other.
    raw = with_joined_pairs(with_clean_texts(source.frames, config.clean))
    labelled = encode_labels(raw, source, config)
    official, label_names = labelled.frames, labelled.label_names
    sizes: dict[SplitName, int | float | None] = {
        "train": config.train_size,
        "validation": config.validation_size,
        "test": config.test_size,
    }
    frames, carved = carve_missing(official, sizes=sizes, label_names=label_names, seed=config.seed)
    # A carved split already has its size; its share must not apply twice.
    official_sizes = {split: size for split, size in sizes.items() if split in official}
    frames, sampled = subsample(frames, sizes=official_sizes, seed=config.seed)
    return Splits(
        labelled.raw,
        frames,
        label_names,
        notes=(*source.notes, *labelled.notes, *carved, *sampled),
        multi_label=labelled.multi_label,
    )


def _read(config: DatasetConfig) -> TextDataset:
    splits = prepare(config)
    if config.checks == "strict":
        # Imports scikit-learn, which only the checks need.
        from finesweep.dataset.checks import severe_problems

        raise_all(severe_problems(splits))
    frames, label_names, multi_label = splits.frames, splits.label_names, splits.multi_label
    return TextDataset(
        name=config.name,
        train=_split(frames["train"]),
        validation=_split(frames["validation"]),
        test=_split(frames["test"]),
        label_names=label_names,
        fingerprint=fingerprint(frames, label_names, multi_label=multi_label),
        test_fingerprint=fingerprint(
            {"test": frames["test"]}, label_names, multi_label=multi_label
        ),
        notes=(*splits.notes, *leakage_notes(frames), *shared_group_notes(frames)),
        pairs=config.pair_column is not None,
        multi_label=multi_label,
    )


def fingerprint(
    frames: Mapping[SplitName, pd.DataFrame],
    label_names: tuple[str, ...],
    *,
    multi_label: bool = False,
) -> str:
    """SHA-256, in hex, of the label names and of the splits' texts and labels, in order."""
    named = {"sets of": label_names} if multi_label else label_names
    digest = hashlib.sha256(json.dumps(named).encode())
    for split in SPLITS:
        if split not in frames:
            continue
        texts = [text.encode() for text in frames[split]["text"]]
        # Lengths mark where each text ends: without them "ab", "c" would equal "a", "bc".
        lengths = np.array([len(text) for text in texts], dtype="<i8")
        labels = frames[split]["label"].to_numpy(dtype="<i8")
        for part in (
            np.array(len(texts), dtype="<i8").tobytes(),
            lengths.tobytes(),
            b"".join(texts),
            labels.tobytes(),
        ):
            digest.update(part)
    return digest.hexdigest()


def leakage_notes(frames: Mapping[SplitName, pd.DataFrame]) -> list[str]:
    """Notes on validation and test rows whose exact text is also in train."""
    train_texts = set(frames["train"]["text"])  # Series.isin is five times slower on strings
    counts = {
        split: sum(text in train_texts for text in frames[split]["text"])
        for split in ("validation", "test")
    }
    return [
        f"{counted_rows(n)} of {split} whose text is also in train"
        for split, n in counts.items()
        if n
    ]


def shared_group_notes(frames: Mapping[SplitName, pd.DataFrame]) -> list[str]:
    """Notes on groups of validation and test that are also in train: official splits may share
    them."""
    groups = {
        split: set(each["group"].dropna()) for split, each in frames.items() if "group" in each
    }
    shared = {
        split: len(groups["train"] & groups[split])
        for split in ("validation", "test")
        if split in groups
    }
    return [
        f"{counted(n, 'group')} of {split} {'is' if n == 1 else 'are'} also in train"
        for split, n in shared.items()
        if n
    ]


def _split(frame: pd.DataFrame) -> datasets.Dataset:
    return datasets.Dataset.from_pandas(
        frame[list(FEATURES)], features=FEATURES, preserve_index=False
    )
