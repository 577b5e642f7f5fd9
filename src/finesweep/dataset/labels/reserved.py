"""Reserved class names, which would make a prediction ambiguous."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from finesweep.config.overrides.grammar import as_override
from finesweep.config.schema import DatasetConfig
from finesweep.errors import Problem
from finesweep.labelsets import NONE
from finesweep.records import UNCERTAIN

SEPARATOR = ", "
"""Separator of several labels, as in `labelsets.set_name`."""
N_MAPPED = 5
"""Of so many labels, a message shows the whole map."""
MEANINGS = {
    UNCERTAIN: "is the prediction of a model that is not sure",
    NONE: "is the prediction of no label",
}
OTHER_NAMES = {UNCERTAIN: "unsure", NONE: "neither"}


def reserved_problems(
    names: Sequence[str], config: DatasetConfig, *, in_sets: bool
) -> list[Problem]:
    """Problems of class names, and how to rename them; in_sets: whether a prediction is a set of
    them."""
    ambiguous = _set_meanings(names) if in_sets else _meanings(names, MEANINGS.keys() - {NONE})
    field, hint = _way_out(names, ambiguous, config)
    what = "label" if in_sets else "class"
    return [
        Problem(field, f"a {what} is named {name!r}, which {why}; {hint}")
        for name, why in ambiguous.items()
    ]


def _meanings(names: Sequence[str], reserved: Collection[str]) -> dict[str, str]:
    return {name.strip(): MEANINGS[name.strip()] for name in names if name.strip() in reserved}


def _set_meanings(names: Sequence[str]) -> dict[str, str]:
    meanings = _meanings(names, MEANINGS.keys())
    for name in names:
        parts = name.split(SEPARATOR)
        if len(parts) > 1 and set(parts) <= set(names):
            meanings[name] = "is also the prediction of these labels together"
    return meanings


def _way_out(
    names: Sequence[str], ambiguous: Collection[str], config: DatasetConfig
) -> tuple[str, str]:
    """The field that gave the names, and what to do."""
    if config.label_columns:
        return "dataset.label_columns", "rename the column"
    if config.label_map:
        return "dataset.label_map", "rename it"
    if config.label_names:
        return "dataset.label_names", "rename it"
    renamed = {name: _other_name(name) if name.strip() in ambiguous else name for name in names}
    if len(renamed) > N_MAPPED:
        return "dataset.label_column", "dataset.label_map, which maps each label, renames it"
    return "dataset.label_column", f"{as_override('dataset.label_map', renamed)} renames it"


def _other_name(name: str) -> str:
    return OTHER_NAMES.get(name.strip(), name.replace(SEPARATOR, " and "))
