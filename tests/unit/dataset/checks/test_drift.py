from __future__ import annotations

import pytest
from tests.labelled import clean, clean_rows, splits_of

from finesweep.dataset.checks import drift
from finesweep.dataset.checks.drift import find_drift

pytestmark = pytest.mark.slow


def test_a_different_label_distribution_is_found() -> None:
    rows = clean(400)
    rows["test"] = [(text, 1 if n % 10 else label) for n, (text, label) in enumerate(rows["test"])]
    found = find_drift(splits_of(rows))
    assert [finding.severity for finding in found] == ["warning"]
    assert "'bad' is 50 % of train and 10 % of test" in found[0].message


def test_different_text_lengths_are_found() -> None:
    rows = clean(300)
    rows["test"] = [(" ".join(text.split()[:8]), label) for text, label in rows["test"]]
    finding = find_drift(splits_of(rows))[0]
    assert finding.severity == "warning"
    assert "text lengths differ between train and test (KS D 1.00)" in finding.message


def test_a_different_vocabulary_is_found_with_its_words() -> None:
    rows = clean(300)
    rows["test"] = [(text.replace("the", "ye"), label) for text, label in clean_rows(300, seed=4)]
    rows["test"] = [(f"yonder {text[5:]}", label) for text, label in rows["test"]]
    found = find_drift(splits_of(rows))
    assert [finding.severity for finding in found] == ["warning"]
    assert "by vocabulary (AUC 1.00" in found[0].message
    assert "mostly by 'yonder'" in found[0].message
    assert found[0].rows == ()


def test_drift_of_words_in_a_sample_names_its_size(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drift, "MAX_ROWS", 100)
    rows = clean(300)
    rows["test"] = [(f"yonder {text}", label) for text, label in rows["test"]]
    *_, words = find_drift(splits_of(rows))
    assert "by vocabulary in a sample of 200 of 600 rows (AUC " in words.message


def test_a_large_split_does_not_make_a_small_difference_alarming() -> None:
    rows = clean(5000)
    rows["test"] = [
        (text, 1 if n % 24 == 0 else label) for n, (text, label) in enumerate(rows["test"])
    ]
    assert find_drift(splits_of(rows)) == []
