"""Labels as ids, and mistakes in labels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import pytest

from finesweep.dataset.labels.values import with_label_ids
from finesweep.errors import ConfigError
from finesweep.records import SplitName


def labelled(
    class_names: Sequence[str] | None = None,
    label_names: Sequence[str] | None = None,
    **splits: list[Any],
) -> tuple[dict[str, list[int]], tuple[str, ...]]:
    frames: dict[SplitName, pd.DataFrame] = {
        split: pd.DataFrame({"text": "x", "label": values})  # type: ignore[misc]
        for split, values in splits.items()
    }
    frames, names = with_label_ids(frames, class_names=class_names, label_names=label_names)
    return {split: frame["label"].tolist() for split, frame in frames.items()}, names


@pytest.mark.parametrize(
    ("values", "ids", "names"),
    [
        (["pos", "neg", "pos"], [1, 0, 1], ("neg", "pos")),
        (["10", "9", "9"], [1, 0, 0], ("9", "10")),
        ([1.0, 0.0, 1.0], [1, 0, 1], ("0", "1")),
        ([5, -1, 5], [1, 0, 1], ("-1", "5")),
        ([True, False, True], [1, 0, 1], ("False", "True")),
        (["unknown", "2", "unknown", "2"], [1, 0, 1, 0], ("2", "unknown")),
        (["0.5", "2", "0.5", "2.0"], [0, 1, 0, 1], ("0.5", "2")),
        ([" a", "b ", "a"], [0, 1, 0], ("a", "b")),
    ],
)
def test_numbers_sort_as_numbers_and_strings_as_strings(
    values: list[Any], ids: list[int], names: tuple[str, ...]
) -> None:
    assert labelled(train=values) == ({"train": ids}, names)


@pytest.mark.parametrize("others", [[1], [1.0], ["1"], ["1.0"], [" 1 "], [np.float32(1)]])
def test_one_number_is_one_label_however_it_was_read(others: list[Any]) -> None:
    ids, names = labelled(train=["0", "1", "0"], test=others)
    assert ids["test"] == [1]
    assert names == ("0", "1")


@pytest.mark.parametrize(
    ("values", "names"),
    [
        (["007", "7", "1.10", "1.1"], ("1.1", "1.10", "7", "007")),
        (["01", "1", "02"], ("1", "01", "02")),
        (["1e3", "1000"], ("1000", "1e3")),
        (["1_000", "1000"], ("1000", "1_000")),
        (["+1", "1", "-1"], ("-1", "1", "+1")),
        (["1", "1.0", "1.0.1"], ("1", "1.0", "1.0.1")),
        (["TRUE", "true", "True"], ("TRUE", "True", "true")),
        (
            ["NaN", "nan", "None", "NA", "null", "<NA>"],
            ("<NA>", "NA", "NaN", "None", "nan", "null"),
        ),
        (["½", "1/2", "0.5"], ("0.5", "1/2", "½")),
        (["١", "1"], ("1", "١")),
        (
            ["9007199254740993.0", "9007199254740992.0"],
            ("9007199254740992.0", "9007199254740993.0"),
        ),
        (["Straße", "STRASSE", "strasse"], ("STRASSE", "Straße", "strasse")),
        (["inf", "1e400", "-0", "0"], ("0", "-0", "1e400", "inf")),
    ],
)
def test_another_spelling_is_another_class(values: list[str], names: tuple[str, ...]) -> None:
    ids, found = labelled(train=values * 3)
    assert found == names
    assert [found[each] for each in ids["train"]] == values * 3


def test_how_unicode_composes_a_letter_makes_no_class() -> None:
    assert labelled(train=["caf\u00e9", "cafe\u0301", "tea"])[1] == ("caf\u00e9", "tea")


def test_codes_in_any_split_make_codes_of_all() -> None:
    with pytest.raises(ConfigError, match=r"test has '01', which train lacks; train has '0', '1'"):
        labelled(train=[0, 1, 0, 1], test=["01"])


def test_true_and_1_are_two_labels_also_as_python_sees_them() -> None:
    assert labelled(train=[True, 1, True, 1])[1] == ("1", "True")


def test_splits_of_different_types_share_their_ids() -> None:
    ids, _ = labelled(train=["1", "0", "1"], test=[0, 1])
    assert ids == {"train": [1, 0, 1], "test": [0, 1]}


def test_names_follow_the_order_of_the_numbers() -> None:
    assert labelled(train=[1, 0, 1], label_names=["neg", "pos"])[1] == ("neg", "pos")


def test_a_hub_class_without_rows_keeps_its_id() -> None:
    ids, names = labelled(train=[2, 0, 2], class_names=["a", "b", "c"])
    assert ids == {"train": [2, 0, 2]}
    assert names == ("a", "b", "c")


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"train": ["a", "a"]}, r"only one class, 'a'; two are needed"),
        ({"train": list("abcd")}, r"4 labels in 4 rows look like free text, not classes"),
        (
            {"train": list("abab"), "test": ["c"]},
            r"test has 'c', which train lacks; train has 'a'",
        ),
        ({"train": list("abab"), "label_names": ["x"]}, r"1 set for 2 classes: 'a', 'b'"),
        ({"train": list("abab"), "label_names": ["x", "y"]}, r"0 … 1, but the labels are 'a'"),
        ({"train": [1, 2, 1, 2], "label_names": ["x", "y"]}, r"0 … 1, but the labels are 1, 2"),
        ({"train": [0, 1, 0, 1], "label_names": ["x", "x"]}, r"duplicate name in 'x', 'x'"),
        ({"train": [0, 1, 0], "test": [2], "class_names": list("abc")}, r"test has 2, which train"),
    ],
)
def test_labels_that_do_not_fit_are_refused(given: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        labelled(**given)


def test_problems_of_labels_are_listed_together() -> None:
    with pytest.raises(ConfigError, match="2 problems") as caught:
        labelled(train=list("abab"), validation=["c"], test=["d"])
    assert "validation has 'c'" in str(caught.value)
    assert "test has 'd'" in str(caught.value)
