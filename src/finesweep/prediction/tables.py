"""A table's rows with predictions appended."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Protocol

import pandas as pd

from finesweep.dataset.row_filters import is_missing
from finesweep.dataset.text_pairs import join_pairs, mark_problem
from finesweep.errors import ConfigError, Problem
from finesweep.records import Prediction
from finesweep.tracking.predictions import PREDICTION, PROBABILITY

UNCERTAIN_COLUMN = "uncertain"
TRUNCATED_COLUMN = "truncated"


class Predictor(Protocol):
    """A classifier, or a service over one."""

    @property
    def label_names(self) -> Sequence[str]: ...

    @property
    def multi_label(self) -> bool: ...

    def predict(
        self, texts: Sequence[str | None], *, uncertain_below: float | None = None
    ) -> Iterable[Prediction]: ...


def predict_table(
    predictor: Predictor,
    rows: pd.DataFrame,
    *,
    column: str,
    pair_column: str | None = None,
    uncertain_below: float | None = None,
) -> pd.DataFrame:
    """rows with `prediction`, the label; `uncertain`, whether its probability is below the
    threshold; `truncated`, whether the text was truncated; and a `probability/NAME` per label.

    If a text may have several labels, `prediction` lists them, and each label has a
    `prediction/NAME`: 1 if it is predicted, else 0. A row without a text has the prediction
    UNCERTAIN and no probabilities; its `prediction/NAME` are missing.

    pair_column has the second texts for a classifier of pairs. ConfigError when rows already have
    one of these columns, or a text of a pair contains the separator.
    """
    check_columns(rows, predictor)
    texts = input_texts(rows, column=column, pair_column=pair_column)
    predictions = list(predictor.predict(texts, uncertain_below=uncertain_below))
    return with_predictions(rows, predictions, predictor)


def with_predictions(
    rows: pd.DataFrame, predictions: Sequence[Prediction], predictor: Predictor
) -> pd.DataFrame:
    """The same, from the predictor's predictions for the rows, in order."""
    columns: dict[str, Any] = {
        PREDICTION: [each.label for each in predictions],
        UNCERTAIN_COLUMN: [not each.sure for each in predictions],
        TRUNCATED_COLUMN: [each.truncated for each in predictions],
    }
    for name in predictor.label_names if predictor.multi_label else ():
        holds = [_holds(each, name) for each in predictions]
        columns[f"{PREDICTION}/{name}"] = pd.array(holds, dtype="Int64")
    for name in predictor.label_names:
        probabilities = [each.probabilities.get(name, float("nan")) for each in predictions]
        columns[f"{PROBABILITY}{name}"] = probabilities
    return pd.concat([rows, pd.DataFrame(columns, index=rows.index)], axis=1)


def _holds(prediction: Prediction, name: str) -> int | None:
    return int(name in (prediction.labels or ())) if prediction.probabilities else None


def check_columns(rows: pd.DataFrame, predictor: Predictor) -> None:
    """ConfigError when rows already have a column that would be added."""
    names = predictor.label_names
    label_columns = [f"{PREDICTION}/{name}" for name in names] if predictor.multi_label else []
    probability_columns = [f"{PROBABILITY}{name}" for name in names]
    added = [PREDICTION, UNCERTAIN_COLUMN, TRUNCATED_COLUMN, *label_columns, *probability_columns]
    if existing := [repr(name) for name in added if name in rows.columns]:
        where = f"column {existing[0]}" if len(existing) == 1 else f"columns {', '.join(existing)}"
        raise ConfigError(Problem(where, "would be overwritten; rename it"))


def input_texts(
    rows: pd.DataFrame, *, column: str, pair_column: str | None = None
) -> list[str | None]:
    """The text of each row, or both of a pair, joined; None if it is missing or blank.

    ConfigError when a text of a pair contains the separator.
    """
    if pair_column is not None:
        for name in (column, pair_column):
            if problem := mark_problem(rows[name]):
                raise ConfigError(Problem(f"column {name!r}", problem))
        return list(join_pairs(rows[column], rows[pair_column]))
    cells = zip(rows[column], is_missing(rows[column]), strict=True)
    return [None if missing else str(text) for text, missing in cells]
