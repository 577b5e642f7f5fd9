from __future__ import annotations

import pytest
from tests.labelled import Rows, clean, splits_of

from finesweep.dataset.checks.conflicts import find_conflicts


@pytest.mark.parametrize(("n", "severity"), [(1, "note"), (2, "warning"), (10, "severe")])
def test_severity_follows_the_share_of_rows_whose_text_has_two_labels(
    n: int, severity: str
) -> None:
    rows = clean(400)
    rows["train"][-n:] = [(text, 1 - label) for text, label in rows["train"][:n]]
    (finding,) = find_conflicts(splits_of(rows))
    numbers = [*range(1, n + 1), *range(401 - n, 401)]
    assert finding.rows == tuple(("train", number) for number in numbers)
    assert finding.severity == severity
    assert f"{2 * n} rows of train ({n / 2:.1f} %)" in finding.message
    assert "dataset.conflicts=drop" in finding.message


def test_a_conflict_between_splits_is_one_too() -> None:
    rows = clean(400)
    text, label = rows["train"][5]
    rows["test"][7] = (text, 1 - label)
    (finding,) = find_conflicts(splits_of(rows))
    assert finding.rows == (("train", 6), ("test", 8))


def test_texts_that_differ_only_after_normalising_are_a_separate_finding_and_never_severe() -> None:
    rows = clean(100)
    shouted: Rows = [(text.upper(), 1 - label) for text, label in rows["train"][:20]]
    rows["train"] += shouted
    (finding,) = find_conflicts(splits_of(rows))
    assert finding.severity == "warning"
    assert finding.rows == tuple(("train", row) for row in [*range(1, 21), *range(101, 121)])
    assert "differ only in case, spaces or punctuation" in finding.message


def test_duplicates_with_one_label_and_texts_of_punctuation_do_not_conflict() -> None:
    rows = clean()
    rows["train"] += [rows["train"][0], (":)", 1), (":(", 0)]
    assert find_conflicts(splits_of(rows)) == []
