"""A class name that is also a prediction of another meaning is refused, with the way out."""

from __future__ import annotations

import pytest

from finesweep.config.schema import DatasetConfig
from finesweep.dataset.labels.reserved import reserved_problems

UNSURE = "which is the prediction of a model that is not sure"


def config(**fields: object) -> DatasetConfig:
    return DatasetConfig(name="d", **fields)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("names", "fields", "message"),
    [
        (
            ("UNCERTAIN", "good"),
            {},
            f"dataset.label_column: a class is named 'UNCERTAIN', {UNSURE}; dataset.label_map="
            "'{UNCERTAIN: unsure, good: good}' renames it",
        ),
        (
            ("good", " UNCERTAIN"),
            {"label_names": ["good", " UNCERTAIN"]},
            f"dataset.label_names: a class is named 'UNCERTAIN', {UNSURE}; rename it",
        ),
        (
            ("UNCERTAIN", "good"),
            {"label_map": {0: "UNCERTAIN", 1: "good"}},
            f"dataset.label_map: a class is named 'UNCERTAIN', {UNSURE}; rename it",
        ),
        (
            ("toxic", "none"),
            {"label_columns": ["toxic", "none"]},
            "dataset.label_columns: a label is named 'none', which is the prediction of no"
            " label; rename the column",
        ),
        (
            ("toxic", "UNCERTAIN"),
            {"label_columns": ["toxic", "UNCERTAIN"]},
            f"dataset.label_columns: a label is named 'UNCERTAIN', {UNSURE}; rename the column",
        ),
        (
            ("a", "b", "a, b"),
            {"label_columns": ["a", "b", "a, b"]},
            "dataset.label_columns: a label is named 'a, b', which is also the prediction of"
            " these labels together; rename the column",
        ),
    ],
)
def test_a_name_of_two_meanings_is_refused(
    names: tuple[str, ...], fields: dict[str, object], message: str
) -> None:
    problems = reserved_problems(names, config(**fields), in_sets="label_columns" in fields)
    assert list(map(str, problems)) == [message]


def test_names_in_lists_have_the_meanings_of_sets() -> None:
    problems = reserved_problems(("a", "a, none", "none"), config(), in_sets=True)
    renames = r"dataset.label_map='{a: a, \'a, none\': a and none, none: neither}' renames it"
    assert list(map(str, problems)) == [
        f"dataset.label_column: a label is named 'none', which is the prediction of no label;"
        f" {renames}",
        "dataset.label_column: a label is named 'a, none', which is also the prediction of these"
        f" labels together; {renames}",
    ]


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
    is_set = "label_columns" in fields
    assert reserved_problems(names, config(**fields), in_sets=is_set) == []
