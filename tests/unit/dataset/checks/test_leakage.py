from __future__ import annotations

from tests.labelled import clean, splits_of

from finesweep.dataset.checks.leakage import find_leakage


def test_one_row_in_a_hundred_that_is_also_in_train_makes_test_metrics_wrong() -> None:
    rows = clean(200)
    rows["test"][4], rows["test"][9] = rows["train"][0], rows["train"][1]
    (finding,) = find_leakage(splits_of(rows))
    assert finding.severity == "severe"
    assert finding.rows == (("test", 5), ("test", 10))
    assert "2 rows of test (1.0 %) whose text is also in train" in finding.message


def test_fewer_are_a_warning() -> None:
    rows = clean(200)
    rows["validation"][4] = rows["train"][0]
    (finding,) = find_leakage(splits_of(rows))
    assert (finding.severity, finding.rows) == ("warning", (("validation", 5),))


def test_a_text_of_validation_in_test_is_leakage_too() -> None:
    rows = clean(200)
    rows["test"][4] = rows["validation"][0]
    (finding,) = find_leakage(splits_of(rows))
    assert finding.rows == (("test", 5),)
    assert "also in validation" in finding.message


def test_texts_equal_after_normalising_are_a_separate_finding() -> None:
    rows = clean(200)
    text, label = rows["train"][0]
    rows["test"][1] = (text, label)
    rows["test"][2] = (f"  {text.upper()} !!", label)
    exact, normalised = find_leakage(splits_of(rows))
    assert exact.rows == (("test", 2),)
    assert normalised.rows == (("test", 3),)
    assert "except for case, spaces or punctuation" in normalised.message
    assert normalised.severity == "warning"


def test_short_texts_equal_after_normalising_are_a_note() -> None:
    rows = clean()
    rows["train"] += [("Thank you!", 1)]
    rows["test"] += [("thank you", 1)] * 5
    (finding,) = find_leakage(splits_of(rows))
    assert finding.severity == "note"


def test_texts_of_punctuation_alone_are_not_the_same() -> None:
    rows = clean()
    rows["train"] += [(":)", 1), ("😀", 1)]
    rows["test"] += [(":(", 0), ("😡", 0)]
    assert find_leakage(splits_of(rows)) == []
