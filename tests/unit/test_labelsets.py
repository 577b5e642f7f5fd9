"""A set of labels as a number, and back."""

from __future__ import annotations

import numpy as np
import pytest

from finesweep.labelsets import (
    MAX_LABELS,
    decode_sets,
    encode_sets,
    label_name,
    rows_holding,
    set_name,
)

NAMES = ("toxic", "obscene", "threat")
HELD = np.array([[1, 0, 1], [0, 0, 0], [0, 1, 0], [1, 1, 1]])


def test_the_bits_of_a_sets_number_are_its_labels() -> None:
    assert encode_sets(HELD).tolist() == [0b101, 0, 0b010, 0b111]
    assert decode_sets(encode_sets(HELD), 3).tolist() == HELD.tolist()


def test_the_most_labels_still_make_different_numbers() -> None:
    held = np.eye(MAX_LABELS, dtype=np.int64)
    numbers = encode_sets(held)
    assert (numbers > 0).all()
    assert len(set(numbers.tolist())) == MAX_LABELS
    assert decode_sets(numbers, MAX_LABELS).tolist() == held.tolist()


def test_a_set_is_told_by_its_labels_in_the_order_of_the_names() -> None:
    assert [set_name(row, NAMES) for row in HELD] == [
        "toxic, threat",
        "none",
        "obscene",
        "toxic, obscene, threat",
    ]
    assert label_name(HELD[0], NAMES) == "toxic, threat"
    assert label_name(2, NAMES) == label_name(np.int64(2), NAMES) == "threat"


@pytest.mark.parametrize(
    ("labels", "rows"), [(HELD, [True, False, False, True]), (np.array([0, 2, 1, 0]), [1, 0, 0, 1])]
)
def test_the_rows_of_a_label_are_found_in_either_shape(
    labels: np.ndarray, rows: list[bool]
) -> None:
    assert rows_holding(labels, 0).tolist() == rows
