"""Notes list labels that were merged, and labels that only look alike."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from finesweep.config.schema import DatasetConfig
from finesweep.dataset import prepare
from finesweep.dataset.labels.notes import label_notes


def progress_console(labels: list[Any], *, are_named: bool = False) -> list[str]:
    return label_notes({"train": pd.Series(labels, dtype=object)}, are_named=are_named)


@pytest.mark.parametrize(
    ("labels", "note"),
    [
        (["a", " a", "b"], "labels with several spellings are one class: ' a' and 'a'"),
        (["1", "1.0", "x"], "labels that look alike are separate classes: '1' and '1.0'"),
        (["007", "7", "1.10", "1.1"], "separate classes: '007' and '7', '1.1' and '1.10'"),
        (
            ["TRUE", "true", "no"],
            "separate classes: 'TRUE' and 'true'; dataset.label_map merges them",
        ),
        (["good", "good\u200b", "x"], "separate classes: 'good' and 'good\\u200b'"),
        (["ｇｏｏｄ", "good", "x"], "separate classes: 'good' and 'ｇｏｏｄ'"),
        (["very good", "verygood", "x"], "separate classes: 'very good' and 'verygood'"),
    ],
)
def test_labels_that_look_alike_are_reported(labels: list[str], note: str) -> None:
    (found,) = progress_console(labels)
    assert note in found


def test_numbers_with_two_spellings_are_reported_as_one_class() -> None:
    found = progress_console(["1", "1.0", "0"], are_named=True)
    assert found == ["labels with several spellings are one class: '1' and '1.0'"]


def test_numbers_without_names_get_a_hint_at_the_field_that_names_them() -> None:
    assert progress_console([0, 1, 1]) == [
        "labels are numbers; dataset.label_names=[NAME0, NAME1] gives them names, which "
        "predictions then use"
    ]
    assert "dataset.label_map={1: NAME0, 2: NAME1, …}" in progress_console([1, 2, 3, 4])[0]
    assert progress_console(["good", "bad"]) == progress_console([0, 1], are_named=True) == []


def test_the_notes_are_among_the_datasets(tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    file.write_text("text,label\n" + "".join(f"text {k},{k % 2}\n" for k in range(40)))
    assert any(
        "dataset.label_names" in n for n in prepare(DatasetConfig("x", path=str(file))).notes
    )
    named = DatasetConfig("x", path=str(file), label_names=["no", "yes"])
    assert not any("dataset.label_names" in note for note in prepare(named).notes)
