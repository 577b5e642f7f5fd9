"""Stratified sampling over label ids."""

from __future__ import annotations

import numpy as np

from finesweep.labelsets import encode_sets

MIN_ROWS_PER_SET = 10
"""Rows from which a label set has its own stratum: fewer cannot be divided evenly, and each stratum
adds a row to the smallest sample."""


def strata(indicators: np.ndarray) -> np.ndarray:
    """[N] int in [0, S), strata of rows with several labels: by label set, and for rare sets by
    their rarest label. indicators [N, C] 0 and 1."""
    numbers = encode_sets(indicators)
    _, set_ids, counts = np.unique(numbers, return_inverse=True, return_counts=True)
    rarity = np.where(indicators == 1, indicators.sum(axis=0), len(indicators) + 1)
    rarest = encode_sets(np.eye(indicators.shape[1], dtype=np.int64))[rarity.argmin(axis=1)]
    merged = np.where((counts[set_ids] < MIN_ROWS_PER_SET) & (numbers > 0), rarest, numbers)
    dense: np.ndarray = np.unique(merged, return_inverse=True)[1]
    return dense


def allocate(counts: np.ndarray, size: int) -> np.ndarray:
    """Rows per class [C], size in total, proportional to counts [C] by largest remainder.

    Every class with rows gets at least one if size allows it. ValueError if size exceeds the
    counts.
    """
    if size > counts.sum():
        raise ValueError(f"{size} rows of {counts.sum()}")
    shares: np.ndarray = counts * (size / counts.sum())
    present = counts > 0
    min_rows = np.where(present, int(size >= present.sum()), 0)
    rows: np.ndarray = np.clip(np.floor(shares).astype(int), min_rows, counts)
    while rows.sum() < size:
        rows[np.argmax(np.where(rows < counts, shares - rows, -np.inf))] += 1
    while rows.sum() > size:
        rows[np.argmax(np.where(rows > min_rows, rows - shares, -np.inf))] -= 1
    return rows


def sample_rows(labels: np.ndarray, size: int, *, rng: np.random.Generator) -> np.ndarray:
    """Positions [size] of a stratified sample of labels [N], ascending.

    The order of draws depends on rng alone, so that larger samples contain smaller ones.
    """
    order = rng.permutation(len(labels))
    quota = allocate(np.bincount(labels), size)
    drawn = [order[labels[order] == label][:rows] for label, rows in enumerate(quota)]
    return np.sort(np.concatenate(drawn))


def draw_texts(
    labels: np.ndarray,
    n_copies: np.ndarray,
    size: int,
    *,
    n_reserved: int,
    rng: np.random.Generator,
) -> np.ndarray:
    """Rows to draw of each text [G], size in total, stratified over the texts' labels [G].

    All n_copies [G] of a text are drawn; only if whole texts cannot add up to size, part of one. At
    least n_reserved texts of each class are not drawn. ValueError if that leaves too few.
    """
    counts = np.bincount(labels, weights=n_copies).astype(int)
    spare = np.bincount(labels) - n_reserved
    remaining = allocate(counts, size)
    order = rng.permutation(len(labels))
    n_drawn = np.zeros(len(labels), dtype=int)
    for text in order:
        label, copies = labels[text], n_copies[text]
        if copies <= remaining[label] and spare[label] > 0:
            n_drawn[text] = copies
            remaining[label] -= copies
            spare[label] -= 1
    _fill_up(n_drawn, labels, n_copies, int(remaining.sum()), spare=spare, order=order)
    return n_drawn


def _fill_up(
    n_drawn: np.ndarray,
    labels: np.ndarray,
    n_copies: np.ndarray,
    remaining: int,
    *,
    spare: np.ndarray,
    order: np.ndarray,
) -> None:
    """Draw the remaining rows, fewest copies first, from any class; mutates n_drawn and spare."""
    for text in order[np.argsort(n_copies[order], kind="stable")] if remaining else ():
        if remaining and not n_drawn[text] and spare[labels[text]] > 0:
            n_drawn[text] = min(remaining, n_copies[text])
            remaining -= n_drawn[text]
            spare[labels[text]] -= 1
    if remaining:
        raise ValueError(f"{remaining} rows short")
