"""What a quick model says of rows that it was not fitted on."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.sparse import csr_matrix
from scipy.special import softmax
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold, cross_val_predict

from finesweep.dataset.checks.rows import SEED
from finesweep.evidence.confidence import fit_temperature

N_FOLDS = 5
MOST_CHARACTERS = 1_000
"""Read of each text: more cost time and hardly change such a model's answer."""
MOST_TERMS = 20_000
LEAST_TERMS = 2_000
MOST_WEIGHTS = 100_000
"""Terms times classes, which the time of a fit follows; pairs of words bring no more accuracy than
they cost time."""
STRENGTH = 10.0
"""Inverse regularisation: of 1, 5 and 10 the closest to calibrated on short and on long texts; a
temperature makes up the rest."""
TOLERANCE = 1e-3
"""Of lbfgs: accuracy is the same as at 1e-4, in half the time."""
TOKEN = r"[\u3040-\u30ff\u3400-\u9fff]|[^\W\u3040-\u30ff\u3400-\u9fff]+"
"""Runs of letters and digits, which also takes URLs apart, and single signs of the scripts that put
no spaces between words."""


def terms(texts: pd.Series, *, n_classes: int = 2) -> tuple[csr_matrix, npt.NDArray[np.object_]]:
    """TF-IDF of words, [N, terms], and the terms; none when no word is in two texts."""
    most = min(MOST_TERMS, max(LEAST_TERMS, MOST_WEIGHTS // n_classes))
    vectorizer = TfidfVectorizer(
        token_pattern=TOKEN, min_df=2, max_features=most, sublinear_tf=True
    )
    try:
        return vectorizer.fit_transform(
            texts.str[:MOST_CHARACTERS]
        ), vectorizer.get_feature_names_out()
    except ValueError:  # no terms remain
        return csr_matrix((len(texts), 0)), np.array([], dtype=object)


def out_of_fold(features: csr_matrix, labels: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    """[N, C] calibrated probabilities of logistic regression, each row's from a fit without its
    fifth of the rows; labels are 0 … C-1, each in N_FOLDS rows or more."""
    folds = StratifiedKFold(N_FOLDS, shuffle=True, random_state=SEED)
    model = LogisticRegression(C=STRENGTH, tol=TOLERANCE, max_iter=1000)
    logits = cross_val_predict(model, features, labels, cv=folds, method="predict_log_proba")
    scaled: npt.NDArray[np.float64] = softmax(logits / fit_temperature(logits, labels), axis=1)
    return scaled
