"""Which rows a stratified sample takes: pure rules over label ids."""

from __future__ import annotations

import numpy as np

from finesweep.labelsets import encode_sets

MIN_ROWS_PER_SET = 10
"""Rows from which on a set of labels has a stratum of its own: fewer cannot be shared out evenly,
and each stratum puts a row into the smallest sample."""


def strata(held: np.ndarray) -> np.ndarray:
    """[N] int in [0, S), of rows with several labels: those with the same set stand together, and
    those with a rare set by its rarest label. held [N, C] 0 and 1."""
    numbers = encode_sets(held)
    _, places, counts = np.unique(numbers, return_inverse=True, return_counts=True)
    rarity = np.where(held == 1, held.sum(axis=0), len(held) + 1)
    rarest = encode_sets(np.eye(held.shape[1], dtype=np.int64))[rarity.argmin(axis=1)]
    merged = np.where((counts[places] < MIN_ROWS_PER_SET) & (numbers > 0), rarest, numbers)
    dense: np.ndarray = np.unique(merged, return_inverse=True)[1]
    return dense


def allocate(counts: np.ndarray, size: int) -> np.ndarray:
    """Rows per class [C], size in all, in proportion to counts [C] by largest remainder.

    Every class that has rows gets at least one when size allows it. ValueError when size is more
    than the counts.
    """
    if size > counts.sum():
        raise ValueError(f"{size} rows of {counts.sum()}")
    shares: np.ndarray = counts * (size / counts.sum())
    present = counts > 0
    least = np.where(present, int(size >= present.sum()), 0)
    rows: np.ndarray = np.clip(np.floor(shares).astype(int), least, counts)
    while rows.sum() < size:
        rows[np.argmax(np.where(rows < counts, shares - rows, -np.inf))] += 1
    while rows.sum() > size:
        rows[np.argmax(np.where(rows > least, rows - shares, -np.inf))] -= 1
    return rows


def sample_rows(labels: np.ndarray, size: int, *, rng: np.random.Generator) -> np.ndarray:
    """Positions [size] of a stratified sample of labels [N], ascending.

    The order in which rows are taken depends on rng alone, so that larger samples contain smaller.
    """
    order = rng.permutation(len(labels))
    quota = allocate(np.bincount(labels), size)
    taken = [order[labels[order] == label][:rows] for label, rows in enumerate(quota)]
    return np.sort(np.concatenate(taken))


def take_texts(
    labels: np.ndarray,
    n_copies: np.ndarray,
    size: int,
    *,
    n_reserved: int,
    rng: np.random.Generator,
) -> np.ndarray:
    """Rows to take of each text [G], size in all, stratified over the texts' labels [G].

    A text with n_copies [G] is taken whole; only where no whole texts add up to size, one of them
    is taken in part. At least n_reserved texts of each class are not taken. ValueError when that
    leaves too few.
    """
    counts = np.bincount(labels, weights=n_copies).astype(int)
    spare = np.bincount(labels) - n_reserved
    left = allocate(counts, size)
    order = rng.permutation(len(labels))
    taken = np.zeros(len(labels), dtype=int)
    for text in order:
        label, copies = labels[text], n_copies[text]
        if copies <= left[label] and spare[label] > 0:
            taken[text] = copies
            left[label] -= copies
            spare[label] -= 1
    _take_rest(taken, labels, n_copies, int(left.sum()), spare=spare, order=order)
    return taken


def _take_rest(
    taken: np.ndarray,
    labels: np.ndarray,
    n_copies: np.ndarray,
    left: int,
    *,
    spare: np.ndarray,
    order: np.ndarray,
) -> None:
    """Fill taken up by left rows, fewest copies first, whatever the class; mutates taken, spare."""
    for text in order[np.argsort(n_copies[order], kind="stable")] if left else ():
        if left and not taken[text] and spare[labels[text]] > 0:
            taken[text] = min(left, n_copies[text])
            left -= taken[text]
            spare[labels[text]] -= 1
    if left:
        raise ValueError(f"{left} rows short")
