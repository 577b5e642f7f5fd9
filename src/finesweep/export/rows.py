"""Texts on which two forms of a model are compared: the model's own, or made of its vocabulary."""

from __future__ import annotations

import random
from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np

from finesweep.pairs import columns_of, join_pair
from finesweep.prediction import Classifier
from finesweep.records import TextDataset

N_ROWS = 200
N_LONGEST = 4
"""Rows that are longer than the model reads, so that its longest input is among them."""


def comparison_rows(classifier: Classifier, dataset: TextDataset | None) -> list[str]:
    """N_ROWS texts of mixed lengths, joined if the model reads pairs.

    Validation and test texts, evenly spaced by length, and a few joined to exceed the model's
    longest input; without enough of them, texts of random tokens.
    """
    own: Sequence[str] = []
    if dataset is not None:
        own = [*dataset.validation["text"], *dataset.test["text"]]
    ordered = sorted((text for text in dict.fromkeys(own) if text.strip()), key=len)
    n = min(len(ordered), N_ROWS - N_LONGEST)
    rows = [ordered[int(k)] for k in np.linspace(0, len(ordered) - 1, n)] if n else []
    drawn = random.Random(0)
    made = partial(_random_text, classifier, _plain_ids(classifier), drawn)
    for _ in range(N_LONGEST):
        limit = classifier.max_length
        rows.append(_longest(rows, classifier, drawn) if ordered else made(n_tokens=limit + 1))
    lengths = [drawn.randint(1, classifier.max_length) for _ in range(N_ROWS - len(rows))]
    return rows + [made(n_tokens=length) for length in lengths]


def _longest(rows: Sequence[str], classifier: Classifier, drawn: random.Random) -> str:
    """Texts of rows one after the other, until the model would truncate them."""
    pairs = classifier.decision_rule.pairs
    parts: list[list[str]] = [[] for _ in range(1 + pairs)]
    n_tokens = 0
    while n_tokens <= classifier.max_length:
        columns = columns_of([drawn.choice(rows)], pairs=pairs)
        for column, sides in zip(columns, parts, strict=True):
            sides += column
        # A text of few letters may have no tokens: each counts as one at least.
        n_tokens += max(1, sum(sum(classifier.network.lengths(column)) for column in columns))
    texts = [" ".join(sides) for sides in parts]
    return join_pair(*texts) if pairs else texts[0]


def _plain_ids(classifier: Classifier) -> list[int]:
    """The vocabulary's ids without those of special tokens."""
    tokenizer: Any = classifier.pipeline.tokenizer
    return sorted(set(tokenizer.get_vocab().values()) - set(tokenizer.all_special_ids))


def _random_text(
    classifier: Classifier, ids: Sequence[int], drawn: random.Random, *, n_tokens: int
) -> str:
    """A text, or a joined pair, of about n_tokens of these tokens."""
    sides = 1 + classifier.decision_rule.pairs
    decode = classifier.pipeline.tokenizer.decode
    texts = [
        decode(drawn.choices(ids, k=max(1, n_tokens // sides))).strip() or "a" for _ in range(sides)
    ]
    return join_pair(*texts) if sides == 2 else texts[0]
