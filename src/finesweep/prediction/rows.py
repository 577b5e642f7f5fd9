"""A table's rows with a model's answers beside them."""

from __future__ import annotations

import pandas as pd

from finesweep.dataset.joining import joined_column, mark_problem
from finesweep.errors import ConfigError, Problem
from finesweep.prediction.classifier import Classifier
from finesweep.records import UNCERTAIN
from finesweep.tracking.predictions import PREDICTION, PROBABILITY


def answer_rows(
    classifier: Classifier,
    rows: pd.DataFrame,
    *,
    column: str,
    pair_column: str | None = None,
    uncertain_below: float | None = None,
) -> pd.DataFrame:
    """rows with `prediction`, a label or UNCERTAIN, and a `probability/NAME` for each label.

    Where a text may have several labels, `prediction` lists them, and each has a `prediction/NAME`:
    1 where it holds and 0 where not, missing where the answer is UNCERTAIN.

    pair_column holds the second texts of a classifier that reads pairs. A row without a text is
    UNCERTAIN and has no probabilities. ConfigError when rows have a column of such a name already,
    or a pair holds the mark between its sides.
    """
    names = classifier.label_names
    each_label = names if classifier.multi_label else []
    added = [
        PREDICTION,
        *(f"{PREDICTION}/{name}" for name in each_label),
        *(f"{PROBABILITY}{name}" for name in names),
    ]
    if taken := [name for name in added if name in rows.columns]:
        raise ConfigError(Problem(f"column {taken[0]!r}", "would be written over; rename it"))
    texts = rows[column] if pair_column is None else _pairs(rows, column, pair_column)
    held = texts.notna() & texts.astype(str).str.strip().astype(bool)
    asked = texts[held].astype(str).tolist()
    made = list(classifier.predict(asked, uncertain_below=uncertain_below))
    answered = rows.assign(**{PREDICTION: UNCERTAIN})
    answered.loc[held, PREDICTION] = [each.answer for each in made]
    for name in each_label:
        holds = [int(name in (each.labels or ())) if each.sure else pd.NA for each in made]
        marks = pd.Series(holds, rows.index[held], dtype="Int64")
        answered[f"{PREDICTION}/{name}"] = marks.reindex(rows.index)
    for name in names:
        own = f"{PROBABILITY}{name}"
        answered[own] = float("nan")
        answered.loc[held, own] = [each.probabilities[name] for each in made]
    return answered


def _pairs(rows: pd.DataFrame, column: str, pair_column: str) -> pd.Series:
    for name in (column, pair_column):
        if told := mark_problem(rows[name]):
            raise ConfigError(Problem(f"column {name!r}", told))
    return joined_column(rows[column], rows[pair_column])
