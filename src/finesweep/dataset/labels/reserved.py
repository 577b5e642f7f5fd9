"""Reserved class names, which would make a prediction ambiguous."""

from __future__ import annotations

from collections.abc import Sequence

from finesweep.config.schema import DatasetConfig
from finesweep.errors import Problem
from finesweep.labelsets import NONE
from finesweep.records import UNCERTAIN

SEPARATOR = ", "
"""Separator of several labels, as in `labelsets.set_name`."""
N_MAPPED = 5


def reserved_problems(names: Sequence[str], config: DatasetConfig) -> list[Problem]:
    """Problems of class names, and how to rename them."""
    if config.label_columns:
        return _column_problems(names)
    if UNCERTAIN not in map(str.strip, names):
        return []
    message = f"a class is named {UNCERTAIN!r}, which is the prediction of a model that is not sure"
    for field, is_set in (
        ("dataset.label_map", config.label_map),
        ("dataset.label_names", config.label_names),
    ):
        if is_set:
            return [Problem(field, f"{message}; rename it")]
    renamed = {name: "unsure" if name.strip() == UNCERTAIN else name for name in names}
    pairs = [f"{old}: {new}" for old, new in list(renamed.items())[:N_MAPPED]]
    listed = ", ".join([*pairs, *["…"] * (len(renamed) > N_MAPPED)])
    hint = f"dataset.label_map={{{listed}}} renames it"
    return [Problem("dataset.label_column", f"{message}; {hint}")]


def _column_problems(names: Sequence[str]) -> list[Problem]:
    """Problems of label names, whose predictions are lists of names, or NONE."""
    meanings = {
        UNCERTAIN: "is the prediction of a model that is not sure",
        NONE: "is the prediction of no label",
    }
    meaning_by_name = {name: meanings[name.strip()] for name in names if name.strip() in meanings}
    for name in names:
        parts = name.split(SEPARATOR)
        if len(parts) > 1 and set(parts) <= set(names):
            meaning_by_name[name] = "is also the prediction of these labels together"
    hint = "rename the column"
    return [
        Problem("dataset.label_columns", f"a label is named {name!r}, which {why}; {hint}")
        for name, why in meaning_by_name.items()
    ]
