"""A data card counts the rows of each split by label."""

from __future__ import annotations

import datasets
import pytest

from finesweep.records import TextDataset
from finesweep.runs.data_card import data_card

pytestmark = pytest.mark.slow


def dataset(labels: list[int], *, multi_label: bool = False) -> TextDataset:
    def rows(kept: list[int]) -> datasets.Dataset:
        return datasets.Dataset.from_dict({"text": ["t"] * len(kept), "label": kept})

    names, notes = ("bad", "good"), ("test carved from train: 1 row",)
    splits = rows(labels), rows(labels[:2]), rows(labels[:1])
    return TextDataset("films", *splits, names, "f", "t", notes, multi_label=multi_label)


def test_rows_are_counted_by_split_and_label() -> None:
    assert data_card(dataset([1, 0, 1, 1])) == {
        "name": "films",
        "fingerprint": "f",
        "labels": ["bad", "good"],
        "multi_label": False,
        "notes": ["test carved from train: 1 row"],
        "splits": {
            "train": {"rows": 4, "labels": [1, 3]},
            "validation": {"rows": 2, "labels": [1, 1]},
            "test": {"rows": 1, "labels": [0, 1]},
        },
    }


def test_a_row_with_two_labels_counts_for_both() -> None:
    both, none = 3, 0  # as bits
    card = data_card(dataset([both, none, both], multi_label=True))
    assert card["splits"]["train"] == {"rows": 3, "labels": [2, 2]}
