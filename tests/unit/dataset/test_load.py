"""A config's dataset from end to end: the demo's tweets, and small files with mistakes."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from omegaconf import OmegaConf

from finesweep.config.schema import DatasetConfig, SplitFiles
from finesweep.dataset import load_dataset
from finesweep.errors import ConfigError
from finesweep.records import SplitName, TextDataset

CONF = Path(__file__).parents[3] / "conf" / "dataset"
SPLITS: tuple[SplitName, ...] = ("train", "validation", "test")


def packaged_config(name: str) -> DatasetConfig:
    schema = OmegaConf.structured(DatasetConfig)
    config = OmegaConf.to_object(OmegaConf.merge(schema, OmegaConf.load(CONF / f"{name}.yaml")))
    assert isinstance(config, DatasetConfig)
    return config


def loaded(path: Path, rows: list[tuple[Any, Any]], **fields: Any) -> TextDataset:
    pd.DataFrame(rows, columns=["text", "label"]).to_csv(path, index=False)
    return load_dataset(DatasetConfig(name="x", path=str(path), **fields))


def rows_of(dataset: TextDataset, split: SplitName) -> list[tuple[str, int]]:
    columns = dataset.split(split)
    return list(zip(columns["text"], columns["label"], strict=True))


ROWS = [(f"text {number}", "ab"[number % 2]) for number in range(40)]


def test_the_tweets_are_three_stratified_splits_without_conflicts() -> None:
    dataset = load_dataset(packaged_config("tweets"))
    assert dataset.label_names == ("negative", "neutral", "positive")
    assert [len(dataset.split(split)) for split in SPLITS] == [30_043, 3_755, 3_755]
    assert Counter(dataset.test["label"]) == {0: 1_606, 1: 1_459, 2: 690}
    texts = [set(dataset.split(split)["text"]) for split in SPLITS]
    assert sum(map(len, texts)) == len(set.union(*texts)) == 37_197
    assert dataset.notes == (
        "text with conflicting labels: 605 rows of train dropped",
        "test carved from train: 3,755 rows",
        "validation carved from train: 3,755 rows",
        "356 rows are exact duplicates; each text stays within one split",
    )


@pytest.mark.parametrize("path", sorted(CONF.glob("*.yaml")), ids=lambda path: path.stem)
def test_every_packaged_dataset_fits_the_schema_and_starts_with_its_purpose(path: Path) -> None:
    assert packaged_config(path.stem).name == path.stem
    assert path.read_text(encoding="utf-8").startswith("# ")


def test_splits_hold_exactly_text_and_label(tmp_path: Path) -> None:
    dataset = loaded(tmp_path / "a.csv", ROWS)
    assert dataset.train.column_names == ["text", "label"]
    assert [dataset.train.features[name].dtype for name in ("text", "label")] == ["string", "int64"]
    together = [row for split in SPLITS for row in rows_of(dataset, split)]
    assert sorted(together) == sorted((text, "ab".index(label)) for text, label in ROWS)


def test_official_splits_stay_in_order(tmp_path: Path) -> None:
    files = {}
    for split in SPLITS:
        files[split] = str(tmp_path / f"{split}.jsonl")
        rows = [{"text": f"{split} {text}", "label": label} for text, label in ROWS]
        pd.DataFrame(rows).to_json(files[split], orient="records", lines=True)
    dataset = load_dataset(DatasetConfig(name="x", files=SplitFiles(**files)))
    assert dataset.test["text"][:] == [f"test {text}" for text, _ in ROWS]
    assert dataset.notes == ()


def test_a_text_of_train_that_is_in_an_official_test_is_noted(tmp_path: Path) -> None:
    files = {split: str(tmp_path / f"{split}.csv") for split in SPLITS}
    for file in files.values():
        pd.DataFrame(ROWS, columns=["text", "label"]).to_csv(file, index=False)
    dataset = load_dataset(DatasetConfig(name="x", files=SplitFiles(**files), test_size=10))
    assert dataset.notes == (
        "test cut to 10 of its 40 rows",
        "40 rows of validation whose text is also in train",
        "10 rows of test whose text is also in train",
    )


def test_missing_texts_and_labels_are_counted_with_their_rows(tmp_path: Path) -> None:
    rows = [*ROWS, ("  ", "a"), (None, "b"), *[("x", None)] * 7]
    with pytest.raises(ConfigError, match="2 problems") as caught:
        loaded(tmp_path / "a.csv", rows)
    drop = "dataset.missing=drop drops them"
    assert f"text is missing or blank in 2 of train's rows (row 41, 42); {drop}" in str(
        caught.value
    )
    assert f"7 of train's rows (row 43, 44, 45, 46, 47, …); {drop}" in str(caught.value)


def test_missing_rows_are_dropped_with_missing_drop(tmp_path: Path) -> None:
    dataset = loaded(tmp_path / "a.csv", [*ROWS, (" ", "a"), ("x", None)], missing="drop")
    assert sum(len(dataset.split(split)) for split in SPLITS) == len(ROWS)
    assert dataset.notes[:2] == (
        "1 row of train with missing text dropped",
        "1 row of train with missing label dropped",
    )
    with pytest.raises(ConfigError, match=r"dataset.missing: drop leaves no rows in train"):
        loaded(tmp_path / "b.csv", [(" ", "a")], missing="drop")


def test_conflicting_texts_lose_all_their_rows_with_conflicts_drop(tmp_path: Path) -> None:
    rows = [*ROWS, ("text 0", "b"), ("text 1", "b")]
    kept = loaded(tmp_path / "a.csv", rows)
    dropped = loaded(tmp_path / "b.csv", rows, conflicts="drop")
    assert sum(len(kept.split(split)) for split in SPLITS) == 42
    assert sum(len(dropped.split(split)) for split in SPLITS) == 40
    assert "text 0" not in {text for split in SPLITS for text in dropped.split(split)["text"]}
    assert dropped.notes[0] == "text with conflicting labels: 2 rows of train dropped"
    with pytest.raises(ConfigError, match=r"dataset.conflicts: drop leaves no rows of a class"):
        loaded(tmp_path / "c.csv", [*ROWS, ("z", "c"), ("z", "a")], conflicts="drop")


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({}, r"dataset: no source is set; set one of dataset\.path=FILE"),
        ({"path": "a.csv", "hub": "a/b"}, r"dataset: dataset\.hub and dataset\.path are set"),
        ({"files": SplitFiles(test="a.csv")}, r"dataset\.files\.train: .* also need a train file"),
        (
            {"path": "a.csv", "train_size": 1.5},
            r"dataset\.train_size: 1\.5 must be a whole number of rows",
        ),
        ({"path": "a.csv", "encoding": "utf-7x"}, r"unknown encoding 'utf-7x'"),
        ({"path": "a.csv", "text_column": "label"}, r"'label' is also the text column"),
        ({"path": "a.csv", "text_columns": ["a", "label"]}, r"'label' is also a text column"),
        ({"path": "a.csv", "text_columns": ["a", "a"]}, r"text_columns: names a column twice"),
        ({"path": "a.csv", "columns": ["a", "a"]}, r"columns: duplicate name in"),
    ],
)
def test_a_request_that_cannot_be_met_is_refused_before_reading(
    fields: dict[str, Any], message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        load_dataset(DatasetConfig(name="x", **fields))


def test_the_fingerprint_differs_for_any_change_of_data(tmp_path: Path) -> None:
    def of(rows: list[tuple[Any, Any]], **fields: Any) -> str:
        return loaded(tmp_path / "a.csv", rows, **fields).fingerprint

    numbers = [(text, "ab".index(label)) for text, label in ROWS]
    prints = [
        of(numbers),
        of(numbers, label_names=["no", "yes"]),
        of(numbers, seed=1),
        of(numbers[::-1]),
        of([(text + ("!" if text == "text 3" else ""), label) for text, label in numbers]),
        of([(text, label if text != "text 3" else 0) for text, label in numbers]),
    ]
    assert len(set(prints)) == len(prints)
    assert of(numbers) == prints[0]
    assert len(prints[0]) == 64


def test_the_fingerprint_knows_where_a_text_ends(tmp_path: Path) -> None:
    def of(first: str, second: str) -> str:
        files = {split: str(tmp_path / f"{split}.csv") for split in SPLITS}
        for file in files.values():
            rows = [(first, "a"), (second, "a"), ("z", "b"), ("y", "b")]
            pd.DataFrame(rows, columns=["text", "label"]).to_csv(file, index=False)
        return load_dataset(DatasetConfig(name="x", files=SplitFiles(**files))).fingerprint

    assert of("ab", "c") != of("a", "bc")
