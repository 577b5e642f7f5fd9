"""Splits that the source lacks, carved out of train, and splits cut to the size asked."""

from __future__ import annotations

import warnings
from collections.abc import Mapping

import numpy as np
import pandas as pd

from finesweep.dataset.labels.values import STRATUM, label_counts, labels_in
from finesweep.dataset.stratify import sample_rows, take_texts
from finesweep.dataset.validation import raise_all
from finesweep.errors import ConfigError, Problem
from finesweep.records import SplitName
from finesweep.wording import counted_rows

Frames = dict[SplitName, pd.DataFrame]
Sizes = Mapping[SplitName, int | float | None]

A_TENTH = 0.1
SHARES = {"train": "null", "validation": "0.1", "test": "0.2"}
"""Sizes that fit any data, for people."""
# Each draw has a stream of its own, so that another validation_size leaves test as it was.
CARVING: dict[SplitName, int] = {"test": 0, "validation": 1}
SAMPLING: dict[SplitName, int] = {"train": 2, "validation": 3, "test": 4}


def n_rows(size: int | float, of: int) -> int:
    """Rows that a size means: a share below 1 of so many rows, at least one, or rows."""
    return max(1, round(size * of)) if size < 1 else int(size)


def carve_missing(
    frames: Frames, *, sizes: Sizes, label_names: tuple[str, ...], seed: int
) -> tuple[Frames, list[str]]:
    """All three splits, test and validation carved out of train where they lack, and notes.

    A carved split has exactly the rows asked, a tenth of the original train by default,
    stratified; copies of a text all lie in one split; rows keep their order. ConfigError when
    train has too few rows, or a class too few texts.
    """
    absent = [split for split in CARVING if split not in frames]
    if not absent:
        return frames, []
    train = frames["train"]
    wanted = {split: n_rows(sizes[split] or A_TENTH, len(train)) for split in absent}
    raise_all(_carving_problems(train, wanted, label_names))
    carved = dict(frames)
    for n_later, split in zip(reversed(range(len(absent))), absent, strict=True):
        rng = np.random.default_rng([seed, CARVING[split]])
        if "group" in train:
            carved[split], carved["train"] = _carve_groups(carved["train"], wanted[split], rng=rng)
        else:
            carved[split], carved["train"] = _carve(
                carved["train"], wanted[split], split=split, n_reserved=1 + n_later, rng=rng
            )
    return carved, _notes(train, carved, absent)


def subsample(frames: Frames, *, sizes: Sizes, seed: int) -> tuple[Frames, list[str]]:
    """The splits at the sizes asked, by stratified samples that keep the order, and notes.

    A share is of the split; null is all of it. ConfigError when a split has fewer rows.
    """
    wanted = {split: n_rows(size, len(frames[split])) for split, size in sizes.items() if size}
    raise_all(
        [
            Problem(f"dataset.{split}_size", f"{counted_rows(rows)} of {split}, which has {n:,}")
            for split, rows in wanted.items()
            if rows > (n := len(frames[split]))
        ]
    )
    notes = []
    sized = dict(frames)
    for split, rows in wanted.items():
        frame = frames[split]
        if rows < len(frame):
            rng = np.random.default_rng([seed, SAMPLING[split]])
            sized[split] = frame.iloc[sample_rows(strata_of(frame), rows, rng=rng)]
            notes.append(f"{split} cut to {rows:,} of its {len(frame):,} rows")
    return sized, notes


def strata_of(frame: pd.DataFrame) -> np.ndarray:
    """[N] int, by which rows are stratified: their labels, or the strata of sets of these."""
    return frame[STRATUM if STRATUM in frame else "label"].to_numpy()


def _carve(
    train: pd.DataFrame, size: int, *, split: SplitName, n_reserved: int, rng: np.random.Generator
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The carved split and what stays in train; surplus copies of a text are in neither."""
    texts, first = pd.factorize(train["text"])[0], ~train["text"].duplicated().to_numpy()
    try:
        taken = take_texts(
            strata_of(train)[first],
            np.bincount(texts),
            size,
            n_reserved=n_reserved,
            rng=rng,
        )
    except ValueError:
        message = (
            f"{counted_rows(size)} cannot be carved out of the {len(train):,} of train: each class "
            "keeps a text there, and copies of a text stay together"
        )
        raise ConfigError(Problem(f"dataset.{split}_size", message)) from None
    nth_copy = train.groupby("text", sort=False).cumcount().to_numpy()
    return train[nth_copy < taken[texts]], train[taken[texts] == 0]


def _carve_groups(
    train: pd.DataFrame, size: int, *, rng: np.random.Generator
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The carved split, of about size rows, and what stays in train: no group is in both.

    Nor is any text: groups that share one are taken as one.
    """
    from sklearn.model_selection import StratifiedGroupKFold  # seconds, for groups alone

    n_folds = max(2, round(len(train) / size))
    groups = _joined(train)
    if len(np.unique(groups)) < n_folds:
        message = (
            f"{len(np.unique(groups)):,} groups that share no text cannot be split {n_folds} ways"
        )
        raise ConfigError(Problem("dataset.group_column", message))
    folds = StratifiedGroupKFold(n_folds, shuffle=True, random_state=int(rng.integers(2**31)))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that a class is rare, which _carving_problems has judged
        kept, taken = next(folds.split(train, strata_of(train), groups))
    return train.iloc[taken], train.iloc[kept]


def _joined(train: pd.DataFrame) -> np.ndarray:
    """[N] the number of each row's group, after groups with a text in common became one.

    A row without a group is a group of its own.
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    texts, groups = (pd.factorize(train[name])[0] for name in ("text", "group"))
    alone = groups < 0
    groups = np.where(alone, groups.max() + np.cumsum(alone), groups)
    n_texts = texts.max() + 1
    shape = (n_texts + groups.max() + 1,) * 2
    links = coo_array((np.ones(len(train), dtype=np.int8), (texts, n_texts + groups)), shape=shape)
    joined: np.ndarray = connected_components(links, directed=False)[1][texts]
    return joined


def _carving_problems(
    train: pd.DataFrame, wanted: Mapping[SplitName, int], label_names: tuple[str, ...]
) -> list[Problem]:
    """Sizes that leave nothing for train, and classes that cannot be in every split."""
    labels = labels_in(train.drop_duplicates("text"), len(label_names))
    n_texts = label_counts(labels, len(label_names))
    n_splits = 1 + len(wanted)
    problems = [
        Problem(
            "dataset.label_columns" if STRATUM in train else "dataset.label_column",
            f"class {label_names[label]!r} has too few distinct texts ({count}) to be in train "
            f"and in each split carved from it; {n_splits} are needed",
        )
        for label, count in enumerate(n_texts)
        if 0 < count < n_splits
    ]
    if sum(wanted.values()) >= len(train):
        asked = " and ".join(f"{counted_rows(rows)} of {split}" for split, rows in wanted.items())
        field = f"dataset.{max(wanted, key=lambda split: wanted[split])}_size"
        instead = " ".join(f"dataset.{split}_size={SHARES[split]}" for split in ("train", *wanted))
        left = f"{asked} leave nothing of train, which has {len(train):,}; as in {instead}"
        problems.append(Problem(field, left))
    return problems


def _notes(train: pd.DataFrame, carved: Frames, absent: list[SplitName]) -> list[str]:
    notes = [f"{split} carved from train: {counted_rows(len(carved[split]))}" for split in absent]
    if n_copies := int(train["text"].duplicated().sum()):
        notes.append(f"{n_copies:,} rows are exact duplicates; each text stays within one split")
    n_kept = len(carved["train"]) + sum(len(carved[split]) for split in absent)
    if n_lost := len(train) - n_kept:
        notes.append(f"{n_lost:,} surplus copies of a text dropped, to carve the exact size")
    return notes
