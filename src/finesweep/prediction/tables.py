"""A table's rows with a model's answers beside them."""

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


class Answerer(Protocol):
    """What answers texts: a classifier, or a service over one."""

    @property
    def label_names(self) -> Sequence[str]: ...

    @property
    def multi_label(self) -> bool: ...

    def predict(
        self, texts: Sequence[str | None], *, uncertain_below: float | None = None
    ) -> Iterable[Prediction]: ...


def answer_rows(
    answerer: Answerer,
    rows: pd.DataFrame,
    *,
    column: str,
    pair_column: str | None = None,
    uncertain_below: float | None = None,
) -> pd.DataFrame:
    """rows with `prediction`, the likeliest label; `uncertain`, whether its probability is below
    the threshold; `truncated`, whether the text was cut; and a `probability/NAME` for each label.

    Where a text may have several labels, `prediction` lists them, and each has a `prediction/NAME`:
    1 where it holds and 0 where not. A row without a text has the prediction UNCERTAIN and no
    probabilities; all else that would be said of it is missing.

    pair_column holds the second texts of a classifier that reads pairs. ConfigError when rows have
    a column of such a name already, or a pair holds the mark between its sides.
    """
    check_columns(rows, answerer)
    texts = asked_texts(rows, column=column, pair_column=pair_column)
    predictions = list(answerer.predict(texts, uncertain_below=uncertain_below))
    return with_predictions(rows, predictions, answerer)


def with_predictions(
    rows: pd.DataFrame, predictions: Sequence[Prediction], answerer: Answerer
) -> pd.DataFrame:
    """The same from predictions for the rows, in order, that the answerer made."""
    columns: dict[str, Any] = {
        PREDICTION: [each.label for each in predictions],
        UNCERTAIN_COLUMN: [not each.sure for each in predictions],
        TRUNCATED_COLUMN: [each.truncated for each in predictions],
    }
    for name in answerer.label_names if answerer.multi_label else ():
        holds = [_holds(each, name) for each in predictions]
        columns[f"{PREDICTION}/{name}"] = pd.array(holds, dtype="Int64")
    for name in answerer.label_names:
        shares = [each.probabilities.get(name, float("nan")) for each in predictions]
        columns[f"{PROBABILITY}{name}"] = shares
    return pd.concat([rows, pd.DataFrame(columns, index=rows.index)], axis=1)


def _holds(prediction: Prediction, name: str) -> int | None:
    return int(name in (prediction.labels or ())) if prediction.probabilities else None


def check_columns(rows: pd.DataFrame, answerer: Answerer) -> None:
    """ConfigError when rows have a column of the name of one that is added."""
    names = answerer.label_names
    marks = [f"{PREDICTION}/{name}" for name in names] if answerer.multi_label else []
    shares = [f"{PROBABILITY}{name}" for name in names]
    added = [PREDICTION, UNCERTAIN_COLUMN, TRUNCATED_COLUMN, *marks, *shares]
    if taken := [repr(name) for name in added if name in rows.columns]:
        where = f"column {taken[0]}" if len(taken) == 1 else f"columns {', '.join(taken)}"
        raise ConfigError(Problem(where, "would be written over; rename it"))


def asked_texts(
    rows: pd.DataFrame, *, column: str, pair_column: str | None = None
) -> list[str | None]:
    """The text of each row, or both of a pair, joined; None where there is none, or it is blank.

    ConfigError when a side of a pair holds the mark between its sides.
    """
    if pair_column is not None:
        for name in (column, pair_column):
            if problem := mark_problem(rows[name]):
                raise ConfigError(Problem(f"column {name!r}", problem))
        return list(join_pairs(rows[column], rows[pair_column]))
    lacking = is_missing(rows[column])
    return [None if lacks else str(text) for text, lacks in zip(rows[column], lacking, strict=True)]
