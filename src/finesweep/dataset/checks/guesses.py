"""What a quick model says of rows that it was not fitted on."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.sparse import csr_matrix
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold, cross_val_predict

from finesweep.dataset.checks.rows import SEED

N_FOLDS = 5
MOST_CHARACTERS = 1_000
"""Read of each text: more cost time and hardly change such a model's answer."""
MOST_TERMS = 100_000
TOKEN = r"[\u3040-\u30ff\u3400-\u9fff]|[^\W\u3040-\u30ff\u3400-\u9fff]+"
"""Runs of letters and digits, which also takes URLs apart, and single signs of the scripts that put
no spaces between words."""


def terms(texts: pd.Series) -> tuple[csr_matrix, npt.NDArray[np.object_]]:
    """TF-IDF of words and pairs of words, [N, terms], and the terms; none when no term is common
    to two texts."""
    vectorizer = TfidfVectorizer(
        token_pattern=TOKEN, ngram_range=(1, 2), min_df=2, max_features=MOST_TERMS, sublinear_tf=True
    )
    try:
        return vectorizer.fit_transform(texts.str[:MOST_CHARACTERS]), vectorizer.get_feature_names_out()
    except ValueError:  # no terms remain
        return csr_matrix((len(texts), 0)), np.array([], dtype=object)


def out_of_fold(
    features: csr_matrix, labels: npt.NDArray[np.int64]
) -> npt.NDArray[np.float64]:
    """[N, C] probabilities of logistic regression, each row's from a fit without its fifth of the
    rows; labels are 0 … C-1, each in N_FOLDS rows or more."""
    folds = StratifiedKFold(N_FOLDS, shuffle=True, random_state=SEED)
    model = LogisticRegression(max_iter=1000)
    found: npt.NDArray[np.float64] = cross_val_predict(
        model, features, labels, cv=folds, method="predict_proba"
    )
    return found
