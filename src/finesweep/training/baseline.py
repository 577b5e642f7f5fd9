"""What a transformer has to beat: TF-IDF with logistic regression, on the same splits."""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from finesweep.records import Predictions, TextDataset

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

    Its logits are log-probabilities; a class without train rows has almost none.
    """
    texts, labels = dataset.train["text"][:], np.asarray(dataset.train["label"])
    model = make_pipeline(
        TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, token_pattern=r"(?u)\b\w+\b"),
        LogisticRegression(max_iter=1000),
    )
    began = time.perf_counter()
    model.fit(texts, labels)
    seconds = time.perf_counter() - began

    def predicted(split: str) -> Predictions:
        rows = dataset.split(split)  # type: ignore[arg-type]
        shares = np.full((len(rows), len(dataset.label_names)), 1e-12)
        shares[:, model.classes_] = np.maximum(model.predict_proba(rows["text"][:]), 1e-12)
        return Predictions(np.log(shares).astype(np.float32), np.asarray(rows["label"]))

    return Baseline(predicted("validation"), predicted("test"), seconds)
