"""A class whose name is also an answer of another meaning is refused, with the way out."""

from __future__ import annotations

import pytest

from finesweep.config.schema import DatasetConfig
from finesweep.dataset.labels.reserved import reserved_problems

SAID = "which is what a model that is not sure answers"


def config(**fields: object) -> DatasetConfig:
    return DatasetConfig(name="d", **fields)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("names", "fields", "told"),
    [
        (
            ("UNCERTAIN", "good"),
            {},
            f"dataset.label_column: a class is called 'UNCERTAIN', {SAID}; dataset.label_map="
            "{UNCERTAIN: unsure, good: good} gives it another name",
        ),
        (
            ("good", " UNCERTAIN"),
            {"label_names": ["good", " UNCERTAIN"]},
            f"dataset.label_names: a class is called 'UNCERTAIN', {SAID}; give it another name",
        ),
        (
            ("UNCERTAIN", "good"),
            {"label_map": {0: "UNCERTAIN", 1: "good"}},
            f"dataset.label_map: a class is called 'UNCERTAIN', {SAID}; give it another name",
        ),
        (
            ("toxic", "none"),
            {"label_columns": ["toxic", "none"]},
            "dataset.label_columns: a label is called 'none', which is the answer where no label"
            " holds; rename the column",
        ),
        (
            ("toxic", "UNCERTAIN"),
            {"label_columns": ["toxic", "UNCERTAIN"]},
            f"dataset.label_columns: a label is called 'UNCERTAIN', {SAID}; rename the column",
        ),
        (
            ("a", "b", "a, b"),
            {"label_columns": ["a", "b", "a, b"]},
            "dataset.label_columns: a label is called 'a, b', which is the answer where those"
            " labels hold too; rename the column",
        ),
    ],
)
def test_a_name_of_two_meanings_is_refused(
    names: tuple[str, ...], fields: dict[str, object], told: str
) -> None:
    assert [str(problem) for problem in reserved_problems(names, config(**fields))] == [told]


@pytest.mark.parametrize(
    ("names", "fields"),
    [
        (("uncertain", "prediction", "probability", "label", "_row", "labels", "none"), {}),
        (("probabilities", "prediction/x", "a, b", "text"), {}),
        (("toxic", "a, b", "label"), {"label_columns": ["toxic", "a, b", "label"]}),
    ],
)
def test_a_name_of_one_meaning_is_any_name(
    names: tuple[str, ...], fields: dict[str, object]
) -> None:
    assert reserved_problems(names, config(**fields)) == []
