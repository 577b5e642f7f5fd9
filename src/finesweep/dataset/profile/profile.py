"""A dataset's profile: class balance, lengths, phrases and examples."""

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
"""Maximum rows of each split for slow statistics; a larger split is sampled, which leaves shares
accurate to half a percent."""
N_EXAMPLES = 2
EXAMPLE_CHARACTERS = 400
STOP_WORDS = STOPWORDS | {"d", "ll", "m", "n't", "re", "s", "t", "ve"}
"""English stop words, and the endings of `it's` and `don't` in tokenized corpora."""
# Each draw has its own random stream, so that one does not change the other.
SAMPLING, EXAMPLES = 5, 6


@dataclass(frozen=True)
class Example:
    """One shortened text of a class, with its row number in the source."""

    row: int
    text: str


@dataclass(frozen=True)
class Profile:
    """Statistics of a dataset; phrases and examples are train's."""

    label_names: tuple[str, ...]
    n_rows: Mapping[SplitName, int]
    counts: Mapping[SplitName, np.ndarray]
    """[C] int, rows by class; a row with several labels counts for each."""
    lengths: Mapping[SplitName, Mapping[Measure, Measurements]]
    n_special: int
    """Special tokens that the model adds to each text."""
    phrases: Mapping[str, Top]
    """Keyed by PHRASES."""
    examples: tuple[tuple[Example, ...], ...]
    """Up to N_EXAMPLES per class."""
    notes: tuple[str, ...]
    """Sentences on what was sampled and left out."""


def profile(
    splits: Splits,
    tokenizer: PreTrainedTokenizerBase,
    *,
    seed: int,
    on_part: Callable[[str], None] = lambda name: None,
) -> Profile:
    """The profile of all three splits, deterministic for a seed. on_part is called with the name of
    each part before it starts."""
    n_classes = len(splits.label_names)
    frames = {split: splits.frames[split] for split in MAX_ROWS}  # carved splits come in any order
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
        train["text"].tolist(),
        labels_in(train, n_classes),
        n_classes=n_classes,
        stop_words=STOP_WORDS,
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
    """At most n_rows random rows, without replacement, in their order."""
    if len(frame) <= n_rows:
        return frame
    rng = np.random.default_rng([seed, SAMPLING])
    return frame.iloc[np.sort(rng.choice(len(frame), n_rows, replace=False))]


def shorten(text: str, n_characters: int) -> str:
    """One line of at most n_characters; control characters, which a terminal would execute, as
    �."""
    line = " ".join(text[: 4 * n_characters].split())
    line = "".join("�" if unicodedata.category(each) == "Cc" else each for each in line)
    is_complete = len(line) <= n_characters and len(text) <= 4 * n_characters
    return line if is_complete else f"{line[: n_characters - 1]}…"


def _lengths(frame: pd.DataFrame, n_classes: int) -> dict[Measure, Measurements]:
    labels = labels_in(frame, n_classes)
    values = text_lengths(frame["text"].tolist())
    return {
        name: Measurements(each, labels) for name, each in zip(MEASURES[:3], values, strict=True)
    }


def _examples(train: pd.DataFrame, n_classes: int, seed: int) -> tuple[tuple[Example, ...], ...]:
    rng = np.random.default_rng([seed, EXAMPLES])
    labels = labels_in(train, n_classes)
    examples = []
    for label in range(n_classes):
        indexes = np.flatnonzero(rows_holding(labels, label))
        indexes = np.sort(rng.choice(indexes, min(N_EXAMPLES, len(indexes)), replace=False))
        rows = zip(train.index[indexes], train["text"].iloc[indexes], strict=True)
        examples.append(
            tuple(Example(int(row), shorten(text, EXAMPLE_CHARACTERS)) for row, text in rows)
        )
    return tuple(examples)


def _set_notes(splits: Splits) -> tuple[str, ...]:
    """A note on train texts with no label, or several; none if each has exactly one."""
    if not splits.multi_label:
        return ()
    sizes = labels_in(splits.frames["train"], len(splits.label_names)).sum(axis=1)
    none, several = int((sizes == 0).sum()), int((sizes > 1).sum())
    return (f"train texts without a label: {none:,}; with more than one: {several:,}",)


def _notes(
    frames: Mapping[SplitName, pd.DataFrame], samples: Mapping[SplitName, pd.DataFrame]
) -> tuple[str, ...]:
    shares = [
        f"{len(samples[split]):,} of {len(frame):,} rows of {split}"
        for split, frame in frames.items()
        if len(samples[split]) < len(frame)
    ]
    sampling = [f"token counts are from a random sample: {', '.join(shares)}"] if shares else []
    if len(samples["train"]) < len(frames["train"]):
        sampling.append("word and phrase counts are from train's sample")
    return (
        *sampling,
        "words and phrases are from train, in lower case and without HTML tags, English stop "
        "words, or phrases that begin or end with one",
    )
