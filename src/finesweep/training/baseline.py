"""What a transformer has to beat: TF-IDF with logistic regression, on the same splits."""

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
"""Characters; of 2,100 Chinese reviews, URLs and strands of DNA 1 to 4 did as well as 1 to 3 or
better, and 2 to 5 worse on few rows."""
MAX_NGRAMS = 200_000
"""The commonest: with many classes a weight for each of all of them would not fit in memory."""
Kind = Literal["words", "characters"]


@dataclass(frozen=True)
class Baseline:
    """A fitted baseline's answers."""

    validation: Predictions
    test: Predictions
    seconds: float
    """Of fitting."""
    kinds: tuple[Kind, ...]
    """Of what it counts n-grams."""


def fit_baseline(dataset: TextDataset) -> Baseline:
    """Words and pairs of words, weighed by TF-IDF, with scikit-learn's own regularisation; where
    words are not set apart, n-grams of characters beside them.

    Its logits are log-probabilities; a class without train rows has almost none. For several labels
    there is a model of each. ValueError where train has one class only.
    """
    # Only the worker that ends a sweep fits one: none waits for these before its first trial.
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

    def predicted(split: SplitName) -> Predictions:
        rows = dataset.split(split)
        shares = np.zeros((len(rows), len(dataset.label_names)))
        shares[:, model.classes_] = model.predict_proba(rows["text"][:])
        logits = logits_of(shares, multi_label=dataset.multi_label).astype(np.float32)
        return Predictions(logits, labels_of(dataset, rows["label"]))

    return Baseline(predicted("validation"), predicted("test"), seconds, kinds)


def kinds_of(texts: Sequence[str]) -> tuple[Kind, ...]:
    """What is counted of such texts, at least one kind: words where there are any, and characters
    where words are not set apart."""
    has_words = any(WORD.search(text) for text in texts)
    is_apart = has_words and are_words_separated(texts)
    chosen: dict[Kind, bool] = {"words": has_words, "characters": not is_apart}
    return tuple(kind for kind, holds in chosen.items() if holds)


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
