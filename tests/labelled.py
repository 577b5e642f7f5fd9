"""Labelled texts with nothing wrong with them, in which tests plant one fault."""

from __future__ import annotations

import random

import pandas as pd

from finesweep.records import SplitName, Splits

LABELS = ("bad", "good")
TELLING = (("dreadful", "boring", "awful", "dull"), ("superb", "lovely", "great", "charming"))
PLAIN = """
the a of and to in that with for on from about after before into during against between
story actor scene music camera evening window garden letter winter summer doctor teacher
market bridge river mountain village kitchen engine paper picture question answer
morning family brother sister friend stranger captain soldier painter journey holiday
weather was were had would could should might never always often sometimes quickly
slowly quietly walked talked looked opened closed carried followed remembered believed
wanted waited
""".split()  # noqa: SIM905

Rows = list[tuple[str, int]]


def clean_rows(n: int, *, seed: int) -> Rows:
    """Sentences of two classes by turns, each with two words that tell its class."""
    rng = random.Random(seed)
    rows = []
    for number in range(n):
        label = number % 2
        words = [*rng.choices(PLAIN, k=12), *rng.sample(TELLING[label], 2)]
        rng.shuffle(words)
        rows.append((" ".join(words), label))
    return rows


def clean(n: int = 60) -> dict[SplitName, Rows]:
    """Splits of n rows each that share no text."""
    return {
        "train": clean_rows(n, seed=1),
        "validation": clean_rows(n, seed=2),
        "test": clean_rows(n, seed=3),
    }


def splits_of(
    rows: dict[SplitName, Rows],
    *,
    raw: dict[SplitName, pd.DataFrame] | None = None,
    labels: tuple[str, ...] = LABELS,
) -> Splits:
    """The rows as splits, numbered from 1; raw is what was read, where that differs."""
    frames = {split: frame_of(some) for split, some in rows.items()}
    return Splits(raw=raw or frames, frames=frames, label_names=labels, notes=())


def frame_of(rows: Rows) -> pd.DataFrame:
    index = pd.RangeIndex(1, len(rows) + 1)
    texts, labels = zip(*rows, strict=True)
    return pd.DataFrame(
        {
            "text": pd.Series(texts, dtype="str", index=index),
            "label": pd.Series(labels, index=index),
        }
    )
