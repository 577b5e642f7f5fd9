"""What a quick model says of rows that it was not fitted on."""

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
"""Read of each text: more cost time and hardly change such a model's answer."""
MAX_TERMS = 20_000
MIN_TERMS = 2_000
MAX_WEIGHTS = 100_000
"""Terms times classes, which the time of a fit follows; pairs of words bring no more accuracy than
they cost time."""
STRENGTH = 10.0
"""Inverse regularisation: of 1, 5 and 10 the closest to calibrated on short and on long texts; a
temperature makes up the rest."""
TOLERANCE = 1e-3
"""Of lbfgs: accuracy is the same as at 1e-4, in half the time."""
NGRAM_SIZES = (1, 3)
"""Characters, where words are not set apart."""


def tfidf_features(
    texts: pd.Series, *, n_classes: int = 2
) -> tuple[csr_matrix, npt.NDArray[np.object_]]:
    """TF-IDF of words, [N, terms], and the terms; of characters too where words are not set apart;
    none when no term is in two texts."""
    most = min(MAX_TERMS, max(MIN_TERMS, MAX_WEIGHTS // n_classes))
    read = texts.str[:MAX_CHARACTERS].tolist()
    how: list[dict[str, Any]] = [{"tokenizer": UNIT.findall, "token_pattern": None}]
    if not are_words_separated(read):
        how.append({"analyzer": "char_wb", "ngram_range": NGRAM_SIZES})
    parts = [part for each in how if (part := _weighed(read, most // len(how), each)) is not None]
    if not parts:
        return csr_matrix((len(texts), 0)), np.array([], dtype=object)
    names = np.concatenate([names for _, names in parts])
    return csr_matrix(hstack([features for features, _ in parts])), names


def _weighed(
    texts: Sequence[str], most: int, how: Mapping[str, Any]
) -> tuple[csr_matrix, npt.NDArray[np.object_]] | None:
    """The most frequent terms of one kind; None when none is in two texts."""
    vectorizer = TfidfVectorizer(min_df=2, max_features=most, sublinear_tf=True, **how)
    try:
        return vectorizer.fit_transform(texts), vectorizer.get_feature_names_out()
    except ValueError:  # no terms remain
        return None


def out_of_fold_probabilities(
    features: csr_matrix, labels: npt.NDArray[np.int64]
) -> npt.NDArray[np.float64]:
    """[N, C] calibrated probabilities of logistic regression, each row's from a fit without its
    fifth of the rows; labels are 0 … C-1, each in N_FOLDS rows or more."""
    folds = StratifiedKFold(N_FOLDS, shuffle=True, random_state=SEED)
    model = LogisticRegression(C=STRENGTH, tol=TOLERANCE, max_iter=1000)
    logits = cross_val_predict(model, features, labels, cv=folds, method="predict_log_proba")
    scaled: npt.NDArray[np.float64] = softmax(logits / fit_temperature(logits, labels), axis=1)
    return scaled
