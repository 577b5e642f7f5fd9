"""A dataset of pairs is read as joined texts; mistakes in its columns are reported."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from finesweep.config.schema import DatasetConfig
from finesweep.dataset import load_dataset, prepare
from finesweep.errors import ConfigError
from finesweep.pairs import MARK, join_pair

ROWS = [(f"text {number}", f"other {number}", "ab"[number % 2]) for number in range(40)]


def config(path: Path, rows: list[tuple[Any, Any, str]], **fields: Any) -> DatasetConfig:
    pd.DataFrame(rows, columns=["premise", "hypothesis", "label"]).to_csv(path, index=False)
    columns = {"text_column": "premise", "pair_column": "hypothesis"}
    return DatasetConfig(**{"name": "x", "path": str(path), **columns, **fields})


def test_each_row_is_the_pair_of_its_two_columns(tmp_path: Path) -> None:
    dataset = load_dataset(config(tmp_path / "a.csv", ROWS))
    texts = {*dataset.train["text"], *dataset.validation["text"], *dataset.test["text"]}
    assert texts == {join_pair(first, second) for first, second, _ in ROWS}
    assert dataset.pairs
    assert not load_dataset(config(tmp_path / "a.csv", ROWS, pair_column=None)).pairs


def test_pairs_with_one_side_in_common_are_no_duplicates(tmp_path: Path) -> None:
    rows = [(first, "the same", label) for first, _, label in ROWS]
    copies = [rows[0], rows[0]]
    notes = load_dataset(config(tmp_path / "a.csv", rows + copies)).notes
    assert "2 rows are exact duplicates; each text stays within one split" in notes


def test_a_pair_that_lacks_a_side_is_a_missing_text(tmp_path: Path) -> None:
    rows = [*ROWS, ("text", None, "a"), (" ", "other", "a")]
    message = r"text is missing or blank in 2 of train's rows \(row 41, 42\)"
    with pytest.raises(ConfigError, match=message):
        prepare(config(tmp_path / "a.csv", rows))
    splits = prepare(config(tmp_path / "a.csv", rows, missing="drop"))
    assert splits.notes[0] == "2 rows of train with missing text dropped"


def test_each_side_is_cleaned_by_itself(tmp_path: Path) -> None:
    rows = [*ROWS, ("open <b", " a  <b>word</b>", "a"), (" x ", " <br/> ", "b")]
    asked = config(tmp_path / "a.csv", rows, clean=["html", "whitespace"], missing="drop")
    splits = prepare(asked)
    texts = {text for frame in splits.frames.values() for text in frame["text"]}
    assert join_pair("open <b", "a word") in texts
    assert splits.notes[0] == "1 row of train with missing text dropped"


@pytest.mark.parametrize(("first", "second", "field"), [(MARK, "b", "text"), ("a", MARK, "pair")])
def test_a_text_that_holds_the_mark_is_a_mistake(
    tmp_path: Path, first: str, second: str, field: str
) -> None:
    rows = [*ROWS, (f"1 {first} 2", f"3 {second} 4", "a")]
    message = rf"^dataset\.{field}_column: train contains '{MARK}' in '\d {MARK} \d', the char"
    with pytest.raises(ConfigError, match=message):
        load_dataset(config(tmp_path / "a.csv", rows))


@pytest.mark.parametrize(
    ("pair_column", "message"),
    [
        ("hypotesis", r"^dataset\.pair_column: train has no column 'hypotesis'; .*'hypothesis'"),
        ("premise", r"^dataset\.pair_column: 'premise' is also the text column"),
        ("label", r"^dataset\.pair_column: 'label' is also the label column"),
    ],
)
def test_a_second_column_that_cannot_be_one_is_a_mistake(
    tmp_path: Path, pair_column: str, message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        load_dataset(config(tmp_path / "a.csv", ROWS, pair_column=pair_column))


def test_single_texts_may_hold_the_mark(tmp_path: Path) -> None:
    rows = [*ROWS, (f"a {MARK} b", "c", "a")]
    dataset = load_dataset(config(tmp_path / "a.csv", rows, pair_column=None))
    texts = {*dataset.train["text"], *dataset.validation["text"], *dataset.test["text"]}
    assert f"a {MARK} b" in texts
