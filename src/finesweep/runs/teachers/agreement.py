"""Whether a teacher knows a run's labels, and was trained on texts like the run's."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from finesweep.config import DatasetConfig
from finesweep.errors import Problem
from finesweep.runs.teachers.reading import FIELD, Teacher


def teacher_problems(
    teacher: Teacher, config: DatasetConfig, *, label_names: Sequence[str], multi_label: bool
) -> list[Problem]:
    """One Problem that names everything in which teacher and data differ; empty if they agree.

    The order of labels may differ; what a teacher does not record is not compared.
    """
    differences = [
        *_label_differences(teacher, label_names, multi_label=multi_label),
        *_text_differences(teacher, config),
    ]
    if not differences:
        return []
    return [Problem(FIELD, f"{teacher.uri!r} cannot teach this run: {'; '.join(differences)}")]


def _label_differences(
    teacher: Teacher, label_names: Sequence[str], *, multi_label: bool
) -> Iterator[str]:
    if teacher.multi_label != multi_label:
        several = "any number of labels for a text"
        its, ours = (several, "one") if teacher.multi_label else ("one label for a text", several)
        yield f"it predicts {its}, and the data have {ours}"
    if set(teacher.label_names) != set(label_names):
        yield (
            f"it predicts {', '.join(teacher.label_names)}, and the labels of the data are"
            f" {', '.join(label_names)}"
        )


def _text_differences(teacher: Teacher, config: DatasetConfig) -> Iterator[str]:
    if teacher.pairs is not None and teacher.pairs != (config.pair_column is not None):
        its, ours = ("pairs of texts", "single texts")[:: 1 if teacher.pairs else -1]
        yield f"it reads {its}, and the data are {ours} (dataset.pair_column)"
    if teacher.text_columns is not None and list(teacher.text_columns) != config.text_columns:
        yield (
            f"it reads {_columns(teacher.text_columns)}, and the data are"
            f" {_columns(config.text_columns)} (dataset.text_columns)"
        )
    if teacher.clean is not None and list(teacher.clean) != config.clean:
        yield (
            f"its texts were cleaned with {_steps(teacher.clean)}, and the data's with"
            f" {_steps(config.clean)} (dataset.clean)"
        )


def _columns(columns: Sequence[str]) -> str:
    return f"the columns {', '.join(columns)} joined" if columns else "one column"


def _steps(steps: Sequence[str]) -> str:
    return ", ".join(steps) or "nothing"
