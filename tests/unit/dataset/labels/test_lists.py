"""A column of lists gives several labels to a text, if that is certain or configured."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import datasets
import numpy as np
import pandas as pd
import pytest

from finesweep.config.schema import DatasetConfig
from finesweep.dataset.labels.values import labels_in
from finesweep.dataset.load import prepare
from finesweep.errors import ConfigError
from finesweep.records import Splits

TEXTS = [f"red {number} blue {number * number}" for number in range(60)]
LISTS = [["a", "b"] if k % 4 == 0 else [("a", "b", "c")[k % 3]] for k in range(60)]
LISTS[7] = []


def read(path: Path, column: list[Any], **fields: Any) -> Splits:
    table = pd.DataFrame({"text": TEXTS, "label": pd.Series(column, dtype=object)})
    if path.suffix == ".csv":
        table.to_csv(path, index=False)
    elif path.suffix == ".parquet":
        table.to_parquet(path)
    else:
        path.write_text("".join(json.dumps(row) + "\n" for row in table.to_dict("records")))
    return prepare(DatasetConfig(name="x", path=str(path), **fields))


def lists_of(splits: Splits) -> list[list[str]]:
    """The names of each row's labels, in the order of the source."""
    whole = pd.concat(splits.frames.values()).sort_index()
    names = np.array(splits.label_names)
    return [names[held == 1].tolist() for held in labels_in(whole, len(names))]


def notes_of(splits: Splits) -> str:
    return "; ".join(note for note in splits.notes if "carved" not in note)


@pytest.mark.parametrize("name", ["a.jsonl", "a.parquet"])
def test_lists_are_several_labels_and_an_empty_one_is_none(tmp_path: Path, name: str) -> None:
    splits = read(tmp_path / name, LISTS)
    assert splits.multi_label
    assert splits.label_names == ("a", "b", "c")
    assert lists_of(splits) == LISTS
    assert notes_of(splits) == "a text may have several of 3 labels, listed in its row"


@pytest.mark.parametrize("write", [str, json.dumps, lambda row: str(np.array(row, dtype=object))])
def test_lists_in_strings_are_lists_in_any_notation(tmp_path: Path, write: Any) -> None:
    splits = read(tmp_path / "a.csv", [write(row) for row in LISTS])
    assert lists_of(splits) == LISTS
    assert notes_of(splits).startswith(
        "labels are read as lists, such as '[]'; dataset.label_separ"
    )
    kept = read(tmp_path / "a.csv", [write(row or ["c"]) for row in LISTS], label_separator="")
    assert not kept.multi_label


def test_bars_separate_labels_if_each_also_occurs_alone(tmp_path: Path) -> None:
    column = ["|".join(row) or "c" for row in LISTS]
    splits = read(tmp_path / "a.csv", column)
    assert lists_of(splits) == [row or ["c"] for row in LISTS]
    assert notes_of(splits).startswith(
        "labels with '|' are split, as each part also occurs alone; datas"
    )
    assert read(tmp_path / "a.csv", column, label_separator="").label_names[1] == "a|b"


def test_bars_of_a_path_are_one_label_unless_configured(tmp_path: Path) -> None:
    column = [("x|a", "x|b", "y|c")[k % 3] for k in range(60)]
    splits = read(tmp_path / "a.csv", column)
    assert (splits.multi_label, splits.label_names) == (False, ("x|a", "x|b", "y|c"))
    assert notes_of(splits) == (
        "labels with '|' are not split; dataset.label_separator='|' splits them"
    )
    assert read(tmp_path / "a.csv", column, label_separator="|").label_names == (
        *("a", "b", "c"),
        *("x", "y"),
    )


def test_any_separator_may_be_configured(tmp_path: Path) -> None:
    column = [", ".join(row) or "c" for row in LISTS]
    assert lists_of(read(tmp_path / "a.csv", column, label_separator=",")) == [
        row or ["c"] for row in LISTS
    ]


def test_lists_of_one_are_one_label_each(tmp_path: Path) -> None:
    splits = read(tmp_path / "a.jsonl", [["a"] if k % 2 else ["b"] for k in range(60)])
    assert (splits.multi_label, splits.label_names) == (False, ("a", "b"))
    assert notes_of(splits) == "each list has one label: read as one label per text"


def test_ids_in_lists_have_the_names_of_their_classes(tmp_path: Path) -> None:
    ids = [["abc".index(label) for label in row] for row in LISTS]
    features = datasets.Features(
        {
            "text": datasets.Value("string"),
            "label": datasets.List(datasets.ClassLabel(names=["u", "v", "w"])),
        }
    )
    rows = {"text": TEXTS, "label": ids}
    datasets.Dataset.from_dict(rows, features=features).to_parquet(tmp_path / "a.parquet")
    config = DatasetConfig(name="x", path=str(tmp_path / "a.parquet"))
    assert lists_of(prepare(config)) == [["uvw"[k] for k in row] for row in ids]
    named = read(tmp_path / "b.jsonl", ids, label_names=["x", "y", "z"])
    assert lists_of(named) == [["xyz"[k] for k in row] for row in ids]


def test_a_map_renames_and_drops_labels_of_lists(tmp_path: Path) -> None:
    splits = read(tmp_path / "a.jsonl", LISTS, label_map={"a": "A", "b": None, "c": "C"})
    kept = [[label.upper() for label in row if label != "b"] for row in LISTS]
    assert lists_of(splits) == kept
    with pytest.raises(ConfigError, match=r"dataset\.label_map: has no entry for 'c'"):
        read(tmp_path / "a.jsonl", LISTS, label_map={"a": "A", "b": "B"})


def test_a_missing_list_is_missing(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"dataset\.label_column: label is missing .*\(row 1\)"):
        read(tmp_path / "a.jsonl", [None, *LISTS[1:]])


def test_more_labels_than_a_set_holds_are_refused(tmp_path: Path) -> None:
    many = [[str(k), str(k + 1), "x"] for k in range(60)]
    many[0] = [f"n{k}" for k in range(10)]
    with pytest.raises(
        ConfigError, match=r"its lists contain 71 labels; at most 62 are allowed; dataset\.label"
    ):
        read(tmp_path / "a.jsonl", many)


def test_a_label_of_lists_with_the_name_of_no_label_is_refused(tmp_path: Path) -> None:
    column = [[{"c": "none"}.get(name, name) for name in row] for row in LISTS]
    with pytest.raises(ConfigError, match="'none', which is the prediction of no label; data"):
        read(tmp_path / "a.jsonl", column)
    renamed = {"a": "a", "b": "b", "none": "neither"}
    splits = read(tmp_path / "a.jsonl", column, label_map=renamed)
    assert splits.label_names == ("a", "b", "neither")
