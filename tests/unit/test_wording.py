"""Counts, numbers and rows are said in one way everywhere."""

from __future__ import annotations

import pytest

from finesweep.wording import (
    as_percentage,
    counted,
    counted_rows,
    listed_rows,
    rounded,
    row_numbers,
)

Rows = list[tuple[str, int]]
MIXED: Rows = [("train", 1), ("test", 2), ("test", 3), ("test", 1400)]


def test_one_thing_is_singular_and_thousands_have_a_comma() -> None:
    assert [counted(n, "trial") for n in (0, 1, 2)] == ["0 trials", "1 trial", "2 trials"]
    assert [counted_rows(n) for n in (1, 1234)] == ["1 row", "1,234 rows"]


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        ([], ""),
        ([("train", 3), ("train", 17), ("test", 4)], "train 3, 17; test 4"),
        (MIXED, "train 1; test 2, 3 and 1 more"),
    ],
)
def test_rows_are_told_by_split(rows: Rows, told: str) -> None:
    assert row_numbers(rows, n_shown=3) == told


@pytest.mark.parametrize(
    ("rows", "clause"),
    [
        ([("test", 3), ("test", 8), ("train", 5)], "test rows 3, 8 and train row 5"),
        (MIXED, "train row 1 and test rows 2, 3, …"),
    ],
)
def test_rows_stand_in_a_sentence(rows: Rows, clause: str) -> None:
    assert listed_rows(rows, n_shown=3) == clause


@pytest.mark.parametrize(
    ("value", "told"),
    [(None, "–"), (1.0, "1"), (4.26, "4.3"), (99.96, "100"), (174.4, "174"), (13704.0, "13,704")],
)
def test_a_number_has_as_many_digits_as_one_reads(value: float | None, told: str) -> None:
    assert rounded(value) == told


def test_a_share_is_told_in_percent() -> None:
    assert [as_percentage(share) for share in (0.8923, 0.0, None)] == ["89.2%", "0.0%", "–"]
