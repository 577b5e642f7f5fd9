from __future__ import annotations

from tests.labelled import clean, splits_of

from finesweep.dataset.checks.duplicates import find_duplicates


def test_every_row_beyond_the_first_copy_is_found_in_its_split() -> None:
    rows = clean(200)
    rows["train"][50] = rows["train"][99] = rows["train"][3]
    rows["test"][8] = rows["test"][7]
    train, test = find_duplicates(splits_of(rows))
    assert train.rows == (("train", 51), ("train", 100))
    assert train.severity == "warning"
    assert "2 rows of train (1.0 %)" in train.message
    assert test.rows == (("test", 9),)
    assert test.severity == "note"


def test_the_same_text_in_two_splits_is_no_duplicate_but_leakage() -> None:
    rows = clean()
    rows["test"][0] = rows["train"][0]
    assert find_duplicates(splits_of(rows)) == []
