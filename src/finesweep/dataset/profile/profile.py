"""A dataset in numbers, before anyone trains on it: balance, lengths, phrases and examples."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from wordcloud import STOPWORDS

from finesweep.dataset.labels.values import label_counts, labels_in
from finesweep.dataset.profile.lengths import (
    MEASURES,
    Measure,
    Measurements,
    text_lengths,
    token_lengths,
)
from finesweep.dataset.profile.phrases import Top, top_phrases
from finesweep.labelsets import rows_holding
from finesweep.records import SplitName, Splits

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

PHRASES = ("words", "bigrams", "trigrams")
MAX_ROWS: Mapping[SplitName, int] = {"train": 50_000, "validation": 10_000, "test": 10_000}
"""Of each split, for what takes long; beyond, a sample: shares are known to half a percent."""
N_EXAMPLES = 2
EXAMPLE_CHARACTERS = 400
LEFT_OUT = STOPWORDS | {"d", "ll", "m", "n't", "re", "s", "t", "ve"}
"""English stop words, and what a corpus cut off of `it's` and `don't` when it was tokenized."""
# Each draw has a stream of its own, so that one does not move the other.
SAMPLING, EXAMPLES = 5, 6


@dataclass(frozen=True)
class Example:
    """One text of a class, shortened, and its row's number in its source."""

    row: int
    text: str


@dataclass(frozen=True)
class Profile:
    """What explore shows of a dataset; phrases and examples are train's."""

    label_names: tuple[str, ...]
    n_rows: Mapping[SplitName, int]
    counts: Mapping[SplitName, np.ndarray]
    """[C] int, rows by class; a row that has several labels counts for each."""
    lengths: Mapping[SplitName, Mapping[Measure, Measurements]]
    n_special: int
    """Special tokens that the model adds to each text."""
    phrases: Mapping[str, Top]
    """By the names of PHRASES."""
    examples: tuple[tuple[Example, ...], ...]
    """A few of each class."""
    notes: tuple[str, ...]
    """What was sampled and left out, one sentence each, for people."""


def profile(
    splits: Splits,
    tokenizer: PreTrainedTokenizerBase,
    *,
    seed: int,
    on_part: Callable[[str], None] = lambda name: None,
) -> Profile:
    """The numbers of all three splits; the same for the same seed. on_part is called with what is
    about to be done."""
    n_classes = len(splits.label_names)
    frames = {split: splits.frames[split] for split in MAX_ROWS}  # carved ones come in any order
    on_part("characters and words")
    lengths = {split: _lengths(frame, n_classes) for split, frame in frames.items()}
    samples = {split: draw_sample(frame, MAX_ROWS[split], seed) for split, frame in frames.items()}
    for split, sample in samples.items():
        on_part(f"tokens of {split}")
        tokens = token_lengths(sample["text"].tolist(), tokenizer)
        lengths[split]["tokens"] = Measurements(tokens, labels_in(sample, n_classes))
    on_part("words, bigrams and trigrams")
    train = samples["train"]
    tops = top_phrases(
        train["text"].tolist(), labels_in(train, n_classes), n_classes=n_classes, left_out=LEFT_OUT
    )
    return Profile(
        label_names=splits.label_names,
        n_rows={split: len(frame) for split, frame in frames.items()},
        counts={
            split: label_counts(labels_in(frame, n_classes), n_classes)
            for split, frame in frames.items()
        },
        lengths=lengths,
        n_special=tokenizer.num_special_tokens_to_add(),
        phrases=dict(zip(PHRASES, tops, strict=True)),
        examples=_examples(frames["train"], n_classes, seed),
        notes=(*_set_notes(splits), *_notes(frames, samples)),
    )


def draw_sample(frame: pd.DataFrame, n_rows: int, seed: int) -> pd.DataFrame:
    """At most n_rows of the frame, drawn without replacement, in their order."""
    if len(frame) <= n_rows:
        return frame
    rng = np.random.default_rng([seed, SAMPLING])
    return frame.iloc[np.sort(rng.choice(len(frame), n_rows, replace=False))]


def shorten(text: str, n_characters: int) -> str:
    """One line of at most so many characters; control characters, which a terminal obeys, as �."""
    line = " ".join(text[: 4 * n_characters].split())
    line = "".join("�" if unicodedata.category(each) == "Cc" else each for each in line)
    whole = len(line) <= n_characters and len(text) <= 4 * n_characters
    return line if whole else f"{line[: n_characters - 1]}…"


def _lengths(frame: pd.DataFrame, n_classes: int) -> dict[Measure, Measurements]:
    labels = labels_in(frame, n_classes)
    values = text_lengths(frame["text"].tolist())
    return {
        name: Measurements(each, labels) for name, each in zip(MEASURES[:3], values, strict=True)
    }


def _examples(train: pd.DataFrame, n_classes: int, seed: int) -> tuple[tuple[Example, ...], ...]:
    rng = np.random.default_rng([seed, EXAMPLES])
    labels = labels_in(train, n_classes)
    drawn = []
    for label in range(n_classes):
        places = np.flatnonzero(rows_holding(labels, label))
        places = np.sort(rng.choice(places, min(N_EXAMPLES, len(places)), replace=False))
        rows = zip(train.index[places], train["text"].iloc[places], strict=True)
        drawn.append(
            tuple(Example(int(row), shorten(text, EXAMPLE_CHARACTERS)) for row, text in rows)
        )
    return tuple(drawn)


def _set_notes(splits: Splits) -> tuple[str, ...]:
    """How many texts of train have no label, or several; nothing where each has one."""
    if not splits.multi_label:
        return ()
    sizes = labels_in(splits.frames["train"], len(splits.label_names)).sum(axis=1)
    none, several = int((sizes == 0).sum()), int((sizes > 1).sum())
    return (f"texts of train with no label: {none:,}; with more than one: {several:,}",)


def _notes(
    frames: Mapping[SplitName, pd.DataFrame], samples: Mapping[SplitName, pd.DataFrame]
) -> tuple[str, ...]:
    cut = [
        f"{len(samples[split]):,} of {len(frame):,} rows of {split}"
        for split, frame in frames.items()
        if len(samples[split]) < len(frame)
    ]
    sampling = [f"tokens are counted in a random sample: {', '.join(cut)}"] if cut else []
    if len(samples["train"]) < len(frames["train"]):
        sampling.append("words and phrases are counted in train's sample")
    return (
        *sampling,
        "words and phrases are of train, in lower case and without HTML tags; English stop words "
        "are left out, and phrases that begin or end with one",
    )
