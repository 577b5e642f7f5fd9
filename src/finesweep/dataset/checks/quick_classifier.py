"""A quick TF-IDF classifier and its out-of-fold probabilities."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.sparse import csr_matrix, hstack
from scipy.special import softmax
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold, cross_val_predict

from finesweep.dataset.checks.findings import SEED
from finesweep.dataset.words import UNIT, are_words_separated
from finesweep.stats.calibration import fit_temperature

N_FOLDS = 5
MAX_CHARACTERS = 1_000
"""Characters read of each text: more cost time and hardly change the prediction."""
MAX_TERMS = 20_000
MIN_TERMS = 2_000
MAX_WEIGHTS = 100_000
"""Terms times classes, which determines the time of a fit. Bigrams are not worth their time."""
STRENGTH = 10.0
"""Inverse regularisation: of 1, 5 and 10 the best calibrated on short and long texts; a temperature
corrects the rest."""
TOLERANCE = 1e-3
"""Tolerance of lbfgs: the accuracy of 1e-4 in half the time."""
NGRAM_SIZES = (1, 3)
"""Character n-grams, if words are not separable."""


def tfidf_features(
    texts: pd.Series, *, n_classes: int = 2
) -> tuple[csr_matrix, npt.NDArray[np.object_]]:
    """TF-IDF features [N, terms] of words, and the terms; also of characters if words are not
    separable; no columns if no term is in two texts."""
    max_terms = min(MAX_TERMS, max(MIN_TERMS, MAX_WEIGHTS // n_classes))
    prefixes = texts.str[:MAX_CHARACTERS].tolist()
    analyzers: list[dict[str, Any]] = [{"tokenizer": UNIT.findall, "token_pattern": None}]
    if not are_words_separated(prefixes):
        analyzers.append({"analyzer": "char_wb", "ngram_range": NGRAM_SIZES})
    parts = [
        part
        for analyzer in analyzers
        if (part := _tfidf(prefixes, max_terms // len(analyzers), analyzer)) is not None
    ]
    if not parts:
        return csr_matrix((len(texts), 0)), np.array([], dtype=object)
    names = np.concatenate([names for _, names in parts])
    return csr_matrix(hstack([features for features, _ in parts])), names


def _tfidf(
    texts: Sequence[str], max_terms: int, analyzer: Mapping[str, Any]
) -> tuple[csr_matrix, npt.NDArray[np.object_]] | None:
    """TF-IDF of the most frequent terms of one kind; None if no term is in two texts."""
    vectorizer = TfidfVectorizer(min_df=2, max_features=max_terms, sublinear_tf=True, **analyzer)
    try:
        return vectorizer.fit_transform(texts), vectorizer.get_feature_names_out()
    except ValueError:  # no terms remain
        return None


def out_of_fold_probabilities(
    features: csr_matrix, labels: npt.NDArray[np.int64]
) -> npt.NDArray[np.float64]:
    """[N, C] calibrated probabilities of logistic regression, each row's from a fit without its
    fold; labels are 0 … C-1, each in at least N_FOLDS rows."""
    folds = StratifiedKFold(N_FOLDS, shuffle=True, random_state=SEED)
    model = LogisticRegression(C=STRENGTH, tol=TOLERANCE, max_iter=1000)
    logits = cross_val_predict(model, features, labels, cv=folds, method="predict_log_proba")
    scaled: npt.NDArray[np.float64] = softmax(logits / fit_temperature(logits, labels), axis=1)
    return scaled
