"""The baseline that a transformer has to beat: TF-IDF with logistic regression, same splits."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from finesweep.dataset.labels.values import labels_of
from finesweep.dataset.words import MAX_CHARACTERS, WORD, are_words_separated
from finesweep.records import Predictions, SplitName, TextDataset
from finesweep.stats.predictions import logits_of

if TYPE_CHECKING:
    from sklearn.feature_extraction.text import TfidfVectorizer

NAME = "TF-IDF with logistic regression"
NGRAM_SIZES = (1, 4)
"""Sizes of character n-grams: on 2,100 Chinese reviews, URLs and DNA sequences 1 to 4 was at least
as good as 1 to 3, and 2 to 5 was worse with few rows."""
MAX_NGRAMS = 200_000
"""The most frequent n-grams only: with many classes weights for all would not fit in memory."""
Kind = Literal["words", "characters"]


@dataclass(frozen=True)
class Baseline:
    """A fitted baseline's predictions."""

    validation: Predictions
    test: Predictions
    seconds: float
    """Time to fit."""
    kinds: tuple[Kind, ...]
    """What its n-grams consist of."""


def fit_baseline(dataset: TextDataset) -> Baseline:
    """TF-IDF of words and word bigrams, with scikit-learn's default regularisation; for texts
    without spaces between words, character n-grams as well.

    Its logits are log-probabilities; a class without train rows has a probability near 0. Several
    labels are one model each. ValueError when train has only one class.
    """
    # Only the worker that finishes a sweep fits a baseline: the others need not wait for sklearn.
    from sklearn.linear_model import LogisticRegression
    from sklearn.multiclass import OneVsRestClassifier
    from sklearn.pipeline import FeatureUnion, make_pipeline

    texts, labels = list(dataset.train["text"][:]), labels_of(dataset, dataset.train["label"])
    classifier, kinds = LogisticRegression(max_iter=1000), kinds_of(texts)
    model = make_pipeline(
        FeatureUnion([(kind, _vectorizer(kind)) for kind in kinds]),
        OneVsRestClassifier(classifier) if dataset.multi_label else classifier,
    )
    began = time.perf_counter()
    model.fit(texts, labels)
    seconds = time.perf_counter() - began

    def predict(split: SplitName) -> Predictions:
        rows = dataset.split(split)
        probabilities = np.zeros((len(rows), len(dataset.label_names)))
        probabilities[:, model.classes_] = model.predict_proba(rows["text"][:])
        logits = logits_of(probabilities, multi_label=dataset.multi_label).astype(np.float32)
        return Predictions(logits, labels_of(dataset, rows["label"]))

    return Baseline(predict("validation"), predict("test"), seconds, kinds)


def kinds_of(texts: Sequence[str]) -> tuple[Kind, ...]:
    """The kinds of n-grams for these texts, at least one: words if there are any, and characters
    if words are not separated by spaces."""
    has_words = any(WORD.search(text) for text in texts)
    has_spaces = has_words and are_words_separated(texts)
    applies: dict[Kind, bool] = {"words": has_words, "characters": not has_spaces}
    return tuple(kind for kind, holds in applies.items() if holds)


def _vectorizer(kind: Kind) -> TfidfVectorizer:
    from sklearn.feature_extraction.text import TfidfVectorizer

    if kind == "words":
        return TfidfVectorizer(
            ngram_range=(1, 2), sublinear_tf=True, tokenizer=WORD.findall, token_pattern=None
        )
    return TfidfVectorizer(
        preprocessor=_beginning,
        analyzer="char_wb",
        ngram_range=NGRAM_SIZES,
        max_features=MAX_NGRAMS,
        sublinear_tf=True,
    )


def _beginning(text: str) -> str:
    return text[:MAX_CHARACTERS].lower()
