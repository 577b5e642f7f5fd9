from __future__ import annotations

import pandas as pd
from tests.labelled import clean, frame_of, splits_of

from finesweep.dataset.checks.missing import find_missing


def test_rows_without_text_or_label_are_found_in_what_was_read() -> None:
    rows = clean()
    raw = {split: frame_of(some).astype(object) for split, some in rows.items()}
    raw["train"].loc[3, "text"] = None
    raw["train"].loc[7, "text"] = " \t"
    raw["test"].loc[60, "label"] = float("nan")
    text, label = find_missing(splits_of(rows, raw=raw))
    assert text.rows == (("train", 3), ("train", 7))
    assert text.message.startswith("2 rows (1.1 %) with missing or blank text")
    assert "dataset.missing=drop" in text.message
    assert label.rows == (("test", 60),)
    assert {text.severity, label.severity} == {"warning"}


def test_a_source_without_a_test_split_is_no_fault() -> None:
    rows = clean()
    raw = {"train": pd.DataFrame({"text": ["a", "b"], "label": [0, 1]}, index=[1, 2])}
    assert find_missing(splits_of(rows, raw=raw)) == []
