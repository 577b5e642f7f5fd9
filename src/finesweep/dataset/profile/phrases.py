"""Most frequent words, bigrams and trigrams of each class."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from finesweep.dataset.words import UNIT, phrase

TAG = re.compile(r"</?[a-zA-Z][^<>]*>")
"""HTML tags: br would be the most frequent word of scraped texts."""
N_TOP = 100
"""Phrases kept per class: enough for a word cloud."""
END = 0
"""Id of the end of a text, which no phrase crosses."""


@dataclass(frozen=True)
class Phrase:
    """Consecutive words with their count; in scripts without blanks between words, consecutive
    characters."""

    text: str
    count: int


Top = tuple[tuple[Phrase, ...], ...]
"""The most frequent phrases of each class, in descending order; ties in alphabetical order."""


def top_phrases(
    texts: Sequence[str],
    labels: np.ndarray,
    *,
    n_classes: int,
    stop_words: Collection[str],
    sizes: Sequence[int] = (1, 2, 3),
    n_top: int = N_TOP,
) -> tuple[Top, ...]:
    """For each size in words, the n_top most frequent phrases of each class, in lower case.

    Phrases that begin or end with a stop word do not count, nor do HTML tags. labels [N] in [0, C),
    or [N, C] of 0 and 1: a text's phrases count for each of its labels.
    """
    ids = {"": END}
    by_class: list[list[np.ndarray]] = [[] for _ in range(n_classes)]
    classes = [np.flatnonzero(row) for row in labels] if labels.ndim == 2 else labels[:, None]
    for text, text_classes in zip(texts, classes, strict=True):
        words = UNIT.findall(TAG.sub(" ", text).lower().replace("’", "'"))
        row = [ids.setdefault(word, len(ids)) for word in words]
        stream = np.array([*row, END], dtype=np.int32)
        for label in text_classes:
            by_class[label].append(stream)
    vocabulary = list(ids)
    is_content = np.array([word not in stop_words for word in vocabulary])
    is_content[END] = False
    streams = [np.concatenate(rows) if rows else np.zeros(0, np.int32) for rows in by_class]
    return tuple(
        tuple(_top(stream, size, is_content, vocabulary, n_top) for stream in streams)
        for size in sizes
    )


def _top(
    stream: np.ndarray, size: int, is_content: np.ndarray, vocabulary: Sequence[str], n_top: int
) -> tuple[Phrase, ...]:
    """The n_top phrases in stream [L] int: word ids of all texts, each followed by END."""
    n_windows = max(0, len(stream) - size + 1)
    windows = [stream[k : k + n_windows] for k in range(size)]
    is_phrase = is_content[windows[0]] & is_content[windows[-1]]
    for middle in windows[1:-1]:
        is_phrase &= middle != END
    columns = [window[is_phrase] for window in windows]
    codes, firsts, counts = _count_rows(columns, len(vocabulary))
    if not len(codes):
        return ()
    min_count = np.partition(counts, -n_top)[-n_top] if len(counts) > n_top else 0
    best = np.flatnonzero(counts >= min_count)
    phrases = [
        Phrase(phrase([vocabulary[column[firsts[k]]] for column in columns]), int(counts[k]))
        for k in best
    ]
    return tuple(sorted(phrases, key=lambda each: (-each.count, each.text))[:n_top])


def _count_rows(
    columns: Sequence[np.ndarray], n_words: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Codes of the distinct rows of columns, their first positions and their counts."""
    codes = columns[0].astype(np.int64)
    for column in columns[1:]:
        # Renumbered at each step, so that codes of long phrases fit in 64 bits.
        codes = pd.factorize(codes)[0] * n_words + column
    numbers, codes = pd.factorize(codes)
    firsts = np.full(len(codes), len(numbers))
    np.minimum.at(firsts, numbers, np.arange(len(numbers)))
    return codes, firsts, np.bincount(numbers, minlength=len(codes))
