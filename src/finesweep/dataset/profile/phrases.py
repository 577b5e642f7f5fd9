"""The commonest words, bigrams and trigrams of each class."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from finesweep.dataset.words import UNIT, phrase

TAG = re.compile(r"</?[a-zA-Z][^<>]*>")
"""Of HTML: in scraped texts br would be the commonest word."""
N_TOP = 100
"""Kept of each class: enough for a word cloud."""
END = 0
"""Id of the border between two texts, which no phrase crosses."""


@dataclass(frozen=True)
class Phrase:
    """One word or several in a row, and how often they stand so; where no blanks stand between
    words, one sign or several."""

    text: str
    count: int


Top = tuple[tuple[Phrase, ...], ...]
"""Of each class, the commonest phrases, best first; equals in alphabetical order."""


def top_phrases(
    texts: Sequence[str],
    labels: np.ndarray,
    *,
    n_classes: int,
    left_out: Collection[str],
    sizes: Sequence[int] = (1, 2, 3),
    n_top: int = N_TOP,
) -> tuple[Top, ...]:
    """Of each size in words, the n_top commonest phrases of each class, in lower case.

    A phrase that begins or ends with a word of left_out does not count, nor do HTML's tags.
    labels [N] in [0, C), or [N, C] of 0 and 1: a text's phrases count for each label that it has.
    """
    ids = {"": END}
    by_class: list[list[np.ndarray]] = [[] for _ in range(n_classes)]
    classes = [np.flatnonzero(row) for row in labels] if labels.ndim == 2 else labels[:, None]
    for text, held in zip(texts, classes, strict=True):
        words = UNIT.findall(TAG.sub(" ", text).lower().replace("’", "'"))
        row = [ids.setdefault(word, len(ids)) for word in words]
        stream = np.array([*row, END], dtype=np.int32)
        for label in held:
            by_class[label].append(stream)
    vocabulary = list(ids)
    inner = np.array([word not in left_out for word in vocabulary])
    inner[END] = False
    streams = [np.concatenate(rows) if rows else np.zeros(0, np.int32) for rows in by_class]
    return tuple(
        tuple(_top(stream, size, inner, vocabulary, n_top) for stream in streams) for size in sizes
    )


def _top(
    stream: np.ndarray, size: int, inner: np.ndarray, vocabulary: Sequence[str], n_top: int
) -> tuple[Phrase, ...]:
    """stream [L] int: the word ids of all texts in a row, each text followed by END."""
    n_windows = max(0, len(stream) - size + 1)
    windows = [stream[k : k + n_windows] for k in range(size)]
    kept = inner[windows[0]] & inner[windows[-1]]
    for middle in windows[1:-1]:
        kept &= middle != END
    columns = [window[kept] for window in windows]
    codes, firsts, counts = _counted(columns, len(vocabulary))
    if not len(codes):
        return ()
    least = np.partition(counts, -n_top)[-n_top] if len(counts) > n_top else 0
    best = np.flatnonzero(counts >= least)
    found = [
        Phrase(phrase([vocabulary[column[firsts[k]]] for column in columns]), int(counts[k]))
        for k in best
    ]
    return tuple(sorted(found, key=lambda each: (-each.count, each.text))[:n_top])


def _counted(
    columns: Sequence[np.ndarray], n_words: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The different rows of columns by a code each, where each first stands, and how often."""
    codes = columns[0].astype(np.int64)
    for column in columns[1:]:
        # Numbered anew at each step, so that codes of long phrases still fit in 64 bits.
        codes = pd.factorize(codes)[0] * n_words + column
    numbers, codes = pd.factorize(codes)
    firsts = np.full(len(codes), len(numbers))
    np.minimum.at(firsts, numbers, np.arange(len(numbers)))
    return codes, firsts, np.bincount(numbers, minlength=len(codes))
