"""Several label columns are read as sets and split evenly; mistakes are reported."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from finesweep.config.schema import DatasetConfig
from finesweep.dataset import load_dataset, prepare
from finesweep.dataset.labels.values import labels_in, labels_of
from finesweep.dataset.load import fingerprint
from finesweep.dataset.stratify import MIN_ROWS_PER_SET, strata
from finesweep.errors import ConfigError

NAMES = ["toxic", "obscene", "threat"]


def rows(n: int = 200) -> pd.DataFrame:
    """A tenth are threats, of which half are obscene; half are toxic."""
    held = {
        "toxic": [number % 2 for number in range(n)],
        "obscene": [int(number % 20 in (3, 7)) for number in range(n)],
        "threat": [int(number % 20 in (7, 8)) for number in range(n)],
    }
    return pd.DataFrame({"text": [f"text {number}" for number in range(n)], **held})


def config(path: Path, table: pd.DataFrame, **fields: Any) -> DatasetConfig:
    table.to_csv(path, index=False)
    return DatasetConfig(**{"name": "x", "path": str(path), "label_columns": NAMES, **fields})


def test_each_text_has_the_labels_of_its_row(tmp_path: Path) -> None:
    table = rows()
    dataset = load_dataset(config(tmp_path / "a.csv", table))
    assert dataset.multi_label
    assert dataset.label_names == tuple(NAMES)
    known = table.set_index("text")[NAMES]
    for split in (dataset.train, dataset.validation, dataset.test):
        labels = labels_of(dataset, split["label"])
        assert labels.tolist() == known.loc[split["text"][:]].to_numpy().tolist()


@pytest.mark.parametrize(
    "values", [("0", "1"), ("False", "True"), ("false", "true"), ("FALSE", "TRUE"), ("0.0", "1")]
)
def test_yes_and_no_may_be_written_in_several_ways(tmp_path: Path, values: tuple[str, str]) -> None:
    table = rows()
    wanted = prepare(config(tmp_path / "a.csv", table)).frames["train"]
    table["obscene"] = [values[each] for each in table["obscene"]]
    found = prepare(config(tmp_path / "b.csv", table)).frames["train"]
    assert found["label"].tolist() == wanted["label"].tolist()


def test_every_label_is_split_evenly(tmp_path: Path) -> None:
    splits = prepare(config(tmp_path / "a.csv", rows(), test_size=40, validation_size=40))
    for split, n in (("train", 120), ("validation", 40), ("test", 40)):
        counts = labels_in(splits.frames[split], 3).sum(axis=0)  # type: ignore[index]
        assert counts.tolist() == [n // 2, n // 10, n // 10]


def test_a_rare_set_is_stratified_by_its_rarest_label() -> None:
    common = [[1, 0, 0]] * 50 + [[0, 1, 0]] * 30 + [[0, 0, 1]] * MIN_ROWS_PER_SET + [[0, 0, 0]] * 2
    rare = [[1, 1, 0], [1, 0, 1], [1, 1, 1]]
    found = strata(np.array(common + rare))
    of = {tuple(row): stratum for row, stratum in zip(common + rare, found.tolist(), strict=True)}
    assert of[1, 1, 0] == of[0, 1, 0]
    assert of[1, 0, 1] == of[1, 1, 1] == of[0, 0, 1]
    assert len({of[tuple(row)] for row in common}) == 4
    assert sorted(set(found.tolist())) == [0, 1, 2, 3]


def test_a_row_that_lacks_a_label_is_missing(tmp_path: Path) -> None:
    table = rows().astype({"threat": object})
    table.loc[[4, 9], "threat"] = [None, " "]
    message = (
        r"^dataset\.label_columns: label is missing or blank in 2 of train's rows \(row 5, 10\)"
    )
    with pytest.raises(ConfigError, match=message):
        prepare(config(tmp_path / "a.csv", table))
    splits = prepare(config(tmp_path / "a.csv", table, missing="drop"))
    assert splits.notes[0] == "2 rows of train with missing label dropped"
    assert sum(map(len, splits.frames.values())) == 198


def test_conflicts_are_texts_with_two_sets(tmp_path: Path) -> None:
    table = rows()
    again = table.iloc[:2].assign(toxic=[1, 1])  # of which the second is as before
    both = pd.concat([table, again])
    notes = prepare(config(tmp_path / "a.csv", both, conflicts="drop")).notes
    assert "text with conflicting labels: 2 rows of train dropped" in notes
    threats = table[table["threat"] == 1].assign(threat=0)
    with pytest.raises(ConfigError, match=r"^dataset\.conflicts: drop leaves no rows of a class"):
        prepare(config(tmp_path / "b.csv", pd.concat([table, threats]), conflicts="drop"))


def test_the_same_numbers_as_classes_are_another_dataset(tmp_path: Path) -> None:
    splits = prepare(config(tmp_path / "a.csv", rows()))
    sets, classes = (
        fingerprint(splits.frames, splits.label_names, multi_label=each) for each in (True, False)
    )
    assert sets != classes
    assert load_dataset(config(tmp_path / "a.csv", rows())).fingerprint == sets


def test_a_label_only_in_rare_sets_is_in_every_split(tmp_path: Path) -> None:
    table = rows()
    for bit in range(5):
        table[f"bit {bit}"] = [(number // 10 >> bit) & 1 for number in range(200)]
    table["rare"] = [int(number % 10 == 3) for number in range(200)]
    names = ["rare", *(f"bit {bit}" for bit in range(5))]
    assert (table[table["rare"] == 1].value_counts(names) == 1).all()
    splits = prepare(config(tmp_path / "a.csv", table, label_columns=names, test_size=0.2))
    counts = {split: labels_in(frame, 6)[:, 0].sum() for split, frame in splits.frames.items()}
    assert counts == {"train": 14, "validation": 2, "test": 4}


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"label_columns": ["toxic"]}, "names one column; use dataset.label_column instead"),
        ({"label_columns": ["toxic", "toxic"]}, "names a column twice"),
        ({"label_columns": ["toxic", "text"]}, "also names the text column 'text'"),
        (
            {"label_map": {1: "yes"}},
            "is set together with dataset.label_map, which is for a single label",
        ),
        (
            {"label_names": ["a", "b", "c"]},
            "is set together with dataset.label_names; labels are named",
        ),
        ({"label_columns": ["toxic", "obscen"]}, "train has no column 'obscen'; .*'obscene'"),
        (
            {"label_columns": [f"l{n}" for n in range(63)]},
            "names 63 columns; at most 62 are allowed",
        ),
        ({"pair_column": "toxic"}, "also names the pair column 'toxic'"),
    ],
)
def test_contradicting_options_are_reported(
    tmp_path: Path, fields: dict[str, Any], message: str
) -> None:
    with pytest.raises(ConfigError, match=rf"dataset\.label_columns: {message}"):
        prepare(config(tmp_path / "a.csv", rows(), **fields))


@pytest.mark.parametrize(
    ("column", "message"),
    [
        (["spam", "ham"] * 100, "'threat' of train contains 'ham', 'spam', not only 0 and 1"),
        ([2, *[0] * 199], "'threat' of train contains 2, not only 0 and 1"),
        ([0] * 200, "'threat' is 1 in no row of train; 0 and 1 are both needed"),
        ([1] * 200, "'threat' is 1 in every row of train; 0 and 1 are both needed"),
    ],
)
def test_a_column_that_is_no_label_is_reported(
    tmp_path: Path, column: list[Any], message: str
) -> None:
    with pytest.raises(ConfigError, match=rf"^dataset\.label_columns: {message}"):
        prepare(config(tmp_path / "a.csv", rows().assign(threat=column)))


def test_a_label_with_too_few_texts_for_all_splits_is_reported(tmp_path: Path) -> None:
    table = rows().assign(threat=[1, 1, *[0] * 198])
    message = r"^dataset\.label_columns: class 'threat' has too few distinct texts \(2\)"
    with pytest.raises(ConfigError, match=message):
        prepare(config(tmp_path / "a.csv", table))
