"""What a transformer has to beat: TF-IDF with logistic regression, on the same splits."""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np

from finesweep.dataset.labels import labels_of
from finesweep.evidence.decisions import logits_of
from finesweep.records import Predictions, SplitName, TextDataset

NAME = "TF-IDF with logistic regression"


@dataclass(frozen=True)
class Baseline:
    """A fitted baseline's answers."""

    validation: Predictions
    test: Predictions
    seconds: float
    """Of fitting."""


def fit_baseline(dataset: TextDataset) -> Baseline:
    """Words and pairs of words, weighed by TF-IDF, with scikit-learn's own regularisation.

    Its logits are log-probabilities; a class without train rows has almost none. For several labels
    there is a model of each.
    """
    # Only the worker that ends a sweep fits one: none waits for these before its first trial.
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.multiclass import OneVsRestClassifier
    from sklearn.pipeline import make_pipeline

    texts, labels = dataset.train["text"][:], labels_of(dataset, dataset.train["label"])
    classifier = LogisticRegression(max_iter=1000)
    model = make_pipeline(
        TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, token_pattern=r"(?u)\b\w+\b"),
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

    return Baseline(predicted("validation"), predicted("test"), seconds)
