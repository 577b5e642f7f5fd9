from __future__ import annotations

from tests.labelled import clean, splits_of

from finesweep.dataset.checks.near_duplicates import find_near_duplicates
from finesweep.records import Splits


def changed(text: str) -> str:
    """The text with a new last word."""
    return f"{text} indeed"


def test_a_test_row_that_differs_from_train_in_a_word_is_found_with_its_near_duplicate() -> None:
    rows = clean()
    text, label = rows["train"][10]
    rows["test"][20] = (changed(text), label)
    (finding,) = find_near_duplicates(splits_of(rows))
    assert finding.rows == (("test", 21),)
    assert finding.severity == "warning"
    assert "1 row of test (1.7 %)" in finding.message
    assert "train row 11 and test row 21" in finding.message


def test_a_test_row_that_is_like_one_of_validation_is_found_too() -> None:
    rows = clean()
    text, label = rows["validation"][4]
    rows["test"][7] = (changed(text), label)
    (finding,) = find_near_duplicates(splits_of(rows))
    assert finding.rows == (("test", 8),)
    assert "with nearly the text of a validation row" in finding.message
    assert finding.message.endswith("remove them from validation")


def test_one_row_in_twenty_is_severe() -> None:
    rows = clean()
    for place in range(3):
        text, label = rows["train"][place]
        rows["validation"][place] = (changed(text), label)
    (finding,) = find_near_duplicates(splits_of(rows))
    assert finding.severity == "severe"
    assert finding.rows == (("validation", 1), ("validation", 2), ("validation", 3))


def test_within_a_split_the_later_one_is_noted() -> None:
    rows = clean()
    text, label = rows["train"][10]
    rows["train"] += [(changed(text), label), (changed(text), label)]
    (finding,) = find_near_duplicates(splits_of(rows))
    assert finding.severity == "note"
    assert finding.rows == (("train", 61), ("train", 62))
    assert "train rows 11, 61" in finding.message


def test_equal_texts_are_left_to_other_checks() -> None:
    rows = clean()
    text, label = rows["train"][0]
    rows["test"][:2] = [(text, label), (text.upper(), label)]
    assert find_near_duplicates(splits_of(rows)) == []
    rows["train"].insert(0, (changed(text), label))
    assert {
        split for finding in find_near_duplicates(splits_of(rows)) for split, _ in finding.rows
    } == {"train"}


def urls(*ends: str) -> Splits:
    site = "https://www.encyclopaedia-of-all-things.example.org/"
    rows = clean()
    rows["train"] += [(site + end, 1) for end in ends[:-1]]
    rows["test"] += [(site + ends[-1], 1)]
    return splits_of(rows)


def test_a_long_host_name_does_not_make_pages_near_duplicates() -> None:
    assert find_near_duplicates(urls("cats", "dogs", "birds/owl", "x", "", "horses")) == []


def test_urls_that_are_similar_without_their_host_are_found() -> None:
    path = "customer/account/verify/session-98f4bdfa854dd48802276c2feeca5462/"
    (finding,) = find_near_duplicates(urls("cats", path, path + "info"))
    assert finding.rows == (("test", 61),)


def test_short_sentences_of_one_form_are_no_near_duplicates() -> None:
    rows = clean()
    towns = ["Paris", "London", "Madrid", "Vienna", "Lisbon", "Athens"]
    rows["train"] += [(f"What is the weather like in {town} today?", 1) for town in towns[1:]]
    rows["test"] += [(f"What is the weather like in {towns[0]} today?", 1)]
    assert find_near_duplicates(splits_of(rows)) == []


def test_a_chinese_headline_with_one_other_word_is_a_near_duplicate() -> None:
    base = "中国队在昨晚的亚洲杯决赛中以三比一战胜对手时隔多年再次夺得冠军全场球迷欢呼不已"
    rows = clean(30)
    rows["train"] += [(base, 0), ("今天天气很好", 1)]
    rows["test"] += [(base.replace("昨晚", "今日"), 0), ("明天天气很好", 1)]
    found = [each for each in find_near_duplicates(splits_of(rows)) if "of test" in each.message]
    assert [finding.rows for finding in found] == [(("test", 31),)]
