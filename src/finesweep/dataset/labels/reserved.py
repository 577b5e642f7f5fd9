"""Names that a class cannot have, because an answer of that name would mean two things."""

from __future__ import annotations

from collections.abc import Sequence

from finesweep.config.schema import DatasetConfig
from finesweep.errors import Problem
from finesweep.labelsets import NONE
from finesweep.records import UNCERTAIN

SEPARATOR = ", "
"""Between several labels, as `labelsets.set_name` tells them."""
N_MAPPED = 5


def reserved_problems(names: Sequence[str], config: DatasetConfig) -> list[Problem]:
    """What is wrong with the names of a dataset's classes, and how to call them otherwise."""
    if config.label_columns:
        return _column_problems(names)
    if UNCERTAIN not in map(str.strip, names):
        return []
    told = f"a class is called {UNCERTAIN!r}, which is what a model that is not sure answers"
    for field, is_given in (
        ("dataset.label_map", config.label_map),
        ("dataset.label_names", config.label_names),
    ):
        if is_given:
            return [Problem(field, f"{told}; give it another name")]
    renamed = {name: "unsure" if name.strip() == UNCERTAIN else name for name in names}
    pairs = [f"{old}: {new}" for old, new in list(renamed.items())[:N_MAPPED]]
    listed = ", ".join([*pairs, *["…"] * (len(renamed) > N_MAPPED)])
    hint = f"dataset.label_map={{{listed}}} gives it another name"
    return [Problem("dataset.label_column", f"{told}; {hint}")]


def _column_problems(names: Sequence[str]) -> list[Problem]:
    """The same of several labels, whose answer is a list of names, or NONE."""
    meanings = {
        UNCERTAIN: "is what a model that is not sure answers",
        NONE: "is the answer where no label holds",
    }
    found = {name: meanings[name.strip()] for name in names if name.strip() in meanings}
    for name in names:
        parts = name.split(SEPARATOR)
        if len(parts) > 1 and set(parts) <= set(names):
            found[name] = "is the answer where those labels hold too"
    hint = "rename the column"
    return [
        Problem("dataset.label_columns", f"a label is called {name!r}, which {why}; {hint}")
        for name, why in found.items()
    ]
