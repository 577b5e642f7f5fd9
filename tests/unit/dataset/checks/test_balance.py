from __future__ import annotations

import pytest
from tests.labelled import Rows, clean, splits_of

from finesweep.dataset.checks.balance import find_imbalance

THREE = ("bad", "good", "odd")


def rows_of(*counts: int) -> Rows:
    return [(f"{label} {n}", label) for label, count in enumerate(counts) for n in range(count)]


@pytest.mark.parametrize(
    ("counts", "severity"), [((29, 10), None), ((40, 10), "note"), ((100, 10), "warning")]
)
def test_the_ratio_of_the_most_frequent_to_the_rarest_class_sets_the_severity(
    counts: tuple[int, int], severity: str | None
) -> None:
    findings = find_imbalance(splits_of({**clean(), "train": rows_of(*counts)}))
    assert [finding.severity for finding in findings] == ([severity] if severity else [])
    if findings:
        assert f"a ratio of {counts[0] / counts[1]:.1f}" in findings[0].message


def test_a_class_of_test_that_train_lacks_is_severe() -> None:
    rows = {**clean(), "test": rows_of(20, 20, 20), "validation": rows_of(20, 20, 20)}
    (finding,) = find_imbalance(splits_of(rows, labels=THREE))
    assert finding.severity == "severe"
    assert finding.message.startswith("class 'odd' is in validation or test but not in train")


def test_a_class_that_is_nowhere_and_one_that_test_lacks_are_warnings() -> None:
    (nowhere,) = find_imbalance(splits_of(clean(), labels=THREE))
    assert nowhere.severity == "warning"
    assert nowhere.message.startswith("class 'odd' is in no split")
    rows = {**clean(), "train": rows_of(20, 20, 20), "validation": rows_of(20, 20, 20)}
    (unmeasured,) = find_imbalance(splits_of(rows, labels=THREE))
    assert unmeasured.severity == "warning"
    assert unmeasured.message.startswith("class 'odd' is in train but not in test")


def test_a_class_with_very_few_rows_is_found_with_them() -> None:
    rows = {**clean(), "validation": rows_of(20, 3)}
    (finding,) = find_imbalance(splits_of(rows))
    assert finding.rows == (("validation", 21), ("validation", 22), ("validation", 23))
    assert "fewer than 10 rows of validation (the rarest has 3 rows)" in finding.message
