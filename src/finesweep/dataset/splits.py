"""Missing splits carved from train, and splits subsampled to their configured size."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from finesweep.dataset.labels.values import STRATUM, label_counts, labels_in, lost_labels
from finesweep.dataset.stratify import draw_texts, sample_rows
from finesweep.dataset.validation import raise_all
from finesweep.errors import ConfigError, Problem
from finesweep.records import SplitName
from finesweep.wording import counted_rows

Frames = dict[SplitName, pd.DataFrame]
Sizes = Mapping[SplitName, int | float | None]

A_TENTH = 0.1
SHARES = {"train": "null", "validation": "0.1", "test": "0.2"}
"""Sizes that fit any data, suggested in messages."""
# Each draw has its own random stream, so that a new validation_size does not change test.
CARVING: dict[SplitName, int] = {"test": 0, "validation": 1}
SAMPLING: dict[SplitName, int] = {"train": 2, "validation": 3, "test": 4}


def n_rows(size: int | float, of: int) -> int:
    """Number of rows of a size: a share below 1 of `of` rows, at least one, or a row count."""
    return max(1, round(size * of)) if size < 1 else int(size)


def carve_missing(
    frames: Frames, *, sizes: Sizes, label_names: tuple[str, ...], seed: int
) -> tuple[Frames, list[str]]:
    """All three splits, with missing test and validation carved from train, and notes.

    A carved split has exactly its configured size, by default a tenth of the original train, and is
    stratified; duplicates of a text stay within one split; rows keep their order. ConfigError if
    train has too few rows, or a class too few texts.
    """
    absent = [split for split in CARVING if split not in frames]
    if not absent:
        return frames, []
    train = frames["train"]
    row_counts = {split: n_rows(sizes[split] or A_TENTH, len(train)) for split in absent}
    raise_all(_carving_problems(train, row_counts, label_names))
    carved = dict(frames)
    for n_later, split in zip(reversed(range(len(absent))), absent, strict=True):
        rng = np.random.default_rng([seed, CARVING[split]])
        if "group" in train:
            carved[split], carved["train"] = _carve_groups(
                carved["train"], row_counts[split], label_names=label_names, rng=rng
            )
        else:
            carved[split], carved["train"] = _carve(
                carved["train"],
                row_counts[split],
                split=split,
                n_reserved=1 + n_later,
                rng=rng,
            )
    return carved, _notes(train, carved, absent)


def subsample(frames: Frames, *, sizes: Sizes, seed: int) -> tuple[Frames, list[str]]:
    """The splits as stratified samples of their configured sizes, in the original order, and notes.

    A share is relative to the split; null keeps all of it. ConfigError if a split has fewer rows.
    """
    row_counts = {split: n_rows(size, len(frames[split])) for split, size in sizes.items() if size}
    raise_all(
        [
            Problem(f"dataset.{split}_size", f"{counted_rows(rows)} of {split}, which has {n:,}")
            for split, rows in row_counts.items()
            if rows > (n := len(frames[split]))
        ]
    )
    notes = []
    sized = dict(frames)
    for split, rows in row_counts.items():
        frame = frames[split]
        if rows < len(frame):
            rng = np.random.default_rng([seed, SAMPLING[split]])
            sized[split] = frame.iloc[sample_rows(strata_of(frame), rows, rng=rng)]
            notes.append(f"{split} cut to {rows:,} of its {len(frame):,} rows")
    return sized, notes


def strata_of(frame: pd.DataFrame) -> np.ndarray:
    """[N] int, the strata of rows: their labels, or the strata of label sets."""
    return frame[STRATUM if STRATUM in frame else "label"].to_numpy()


def _carve(
    train: pd.DataFrame, size: int, *, split: SplitName, n_reserved: int, rng: np.random.Generator
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The carved split and the remaining train; surplus duplicates of a text are in neither."""
    texts, first = pd.factorize(train["text"])[0], ~train["text"].duplicated().to_numpy()
    try:
        n_drawn = draw_texts(
            strata_of(train)[first],
            np.bincount(texts),
            size,
            n_reserved=n_reserved,
            rng=rng,
        )
    except ValueError:
        message = (
            f"{counted_rows(size)} cannot be carved from the {len(train):,} of train: each class "
            "must keep a text there, and duplicates of a text stay together"
        )
        raise ConfigError(Problem(f"dataset.{split}_size", message)) from None
    nth_copy = train.groupby("text", sort=False).cumcount().to_numpy()
    return train[nth_copy < n_drawn[texts]], train[n_drawn[texts] == 0]


def _carve_groups(
    train: pd.DataFrame, size: int, *, label_names: tuple[str, ...], rng: np.random.Generator
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The carved split, of about size rows, and the remaining train, which keeps every class: no
    group and no text is in both.

    Groups that share a text count as one. ConfigError where there are too few of them.
    """
    # Takes seconds, and only groups need it.
    from sklearn.model_selection import StratifiedGroupKFold

    n_folds = max(2, round(len(train) / size))
    groups = _merged_groups(train)
    if len(np.unique(groups)) < n_folds:
        message = (
            f"{len(np.unique(groups)):,} groups without common texts cannot be split {n_folds} ways"
        )
        raise ConfigError(Problem("dataset.group_column", message))
    folds = StratifiedGroupKFold(n_folds, shuffle=True, random_state=int(rng.integers(2**31)))
    lost: Sequence[int] | np.ndarray = ()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # classes in fewer groups than folds
        for remaining, carved in folds.split(train, strata_of(train), groups):
            lost = lost_labels(train, train.iloc[remaining], len(label_names))
            if not len(lost):
                return train.iloc[carved], train.iloc[remaining]
    message = f"its groups leave no rows of class {label_names[lost[0]]!r} in train"
    raise ConfigError(Problem("dataset.group_column", f"{message}; another dataset.seed may"))


def _merged_groups(train: pd.DataFrame) -> np.ndarray:
    """[N] group number of each row, after merging groups that share a text.

    A row without a group is its own group.
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    texts, groups = (pd.factorize(train[name])[0] for name in ("text", "group"))
    alone = groups < 0
    groups = np.where(alone, groups.max() + np.cumsum(alone), groups)
    n_texts = texts.max() + 1
    shape = (n_texts + groups.max() + 1,) * 2
    links = coo_array((np.ones(len(train), dtype=np.int8), (texts, n_texts + groups)), shape=shape)
    merged: np.ndarray = connected_components(links, directed=False)[1][texts]
    return merged


def _carving_problems(
    train: pd.DataFrame, row_counts: Mapping[SplitName, int], label_names: tuple[str, ...]
) -> list[Problem]:
    """Sizes that leave no rows for train, and classes that cannot be in every split."""
    labels = labels_in(train.drop_duplicates("text"), len(label_names))
    n_texts = label_counts(labels, len(label_names))
    n_splits = 1 + len(row_counts)
    problems = [
        Problem(
            "dataset.label_columns" if STRATUM in train else "dataset.label_column",
            f"class {label_names[label]!r} has too few distinct texts ({count}): {n_splits} are "
            "needed, one for train and one for each split carved from it",
        )
        for label, count in enumerate(n_texts)
        if 0 < count < n_splits
    ]
    if sum(row_counts.values()) >= len(train):
        request = " and ".join(
            f"{counted_rows(rows)} of {split}" for split, rows in row_counts.items()
        )
        field = f"dataset.{max(row_counts, key=lambda split: row_counts[split])}_size"
        instead = " ".join(
            f"dataset.{split}_size={SHARES[split]}" for split in ("train", *row_counts)
        )
        message = f"{request} leave no rows for train, which has {len(train):,}; try {instead}"
        problems.append(Problem(field, message))
    return problems


def _notes(train: pd.DataFrame, carved: Frames, absent: list[SplitName]) -> list[str]:
    notes = [f"{split} carved from train: {counted_rows(len(carved[split]))}" for split in absent]
    if n_copies := int(train["text"].duplicated().sum()):
        notes.append(f"{n_copies:,} rows are exact duplicates; each text stays within one split")
    n_kept = len(carved["train"]) + sum(len(carved[split]) for split in absent)
    if n_lost := len(train) - n_kept:
        notes.append(f"{n_lost:,} surplus duplicates dropped, to carve the exact size")
    return notes
