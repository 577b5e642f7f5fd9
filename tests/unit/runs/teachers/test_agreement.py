"""A teacher of other labels or other texts is refused, in one message that names all of it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from finesweep.config import DatasetConfig
from finesweep.runs.teachers import Teacher, teacher_problems

TEACHER = Teacher(
    uri="models:/own/3",
    sha256="a",
    label_names=("bad", "good"),
    multi_label=False,
    max_length=32,
    pairs=False,
    clean=("html",),
    text_columns=(),
)
DATA = DatasetConfig(name="own", clean=["html"])


def problems(teacher: Teacher = TEACHER, data: DatasetConfig = DATA, **labels: Any) -> list[str]:
    known: dict[str, Any] = {"label_names": ("good", "bad"), "multi_label": False}
    return [str(each) for each in teacher_problems(teacher, data, **(known | labels))]


def test_the_same_labels_in_another_order_agree() -> None:
    assert problems() == []


def test_what_is_not_recorded_is_not_compared() -> None:
    unknown = replace(TEACHER, pairs=None, clean=None, text_columns=None)
    data = DatasetConfig(name="own", pair_column="b", text_columns=["a", "c"])
    assert problems(unknown, data) == []


@pytest.mark.parametrize(
    ("teacher", "data", "labels", "message"),
    [
        ({}, {}, {"label_names": ("good", "poor")}, "it predicts bad, good, and the labels of the"
         " data are good, poor"),
        ({}, {}, {"multi_label": True}, "it predicts one label for a text, and the data have any"
         " number of labels for a text"),
        ({"multi_label": True}, {}, {}, "it predicts any number of labels for a text, and the data"
         " have one"),
        ({}, {"pair_column": "b"}, {}, "it reads single texts, and the data are pairs of texts"
         " (dataset.pair_column)"),
        ({"pairs": True}, {}, {}, "it reads pairs of texts, and the data are single texts"
         " (dataset.pair_column)"),
        ({"text_columns": ("title", "body")}, {}, {}, "it reads the columns title, body joined, and"
         " the data are one column (dataset.text_columns)"),
        ({}, {"text_columns": ["title", "body"]}, {}, "it reads one column, and the data are the"
         " columns title, body joined (dataset.text_columns)"),
        ({}, {"clean": []}, {}, "its texts were cleaned with html, and the data's with nothing"
         " (dataset.clean)"),
    ],
)  # fmt: skip
def test_a_difference_is_named(
    teacher: dict[str, Any], data: dict[str, Any], labels: dict[str, Any], message: str
) -> None:
    (problem,) = problems(replace(TEACHER, **teacher), replace(DATA, **data), **labels)
    assert problem == f"training.teacher: 'models:/own/3' cannot teach this run: {message}"


def test_all_differences_are_one_problem() -> None:
    (problem,) = problems(replace(TEACHER, pairs=True), label_names=("a", "b"))
    assert problem.count("; ") == 1
