from __future__ import annotations

import numpy as np
import pytest
from tests.labelled import clean, splits_of

from finesweep.dataset.checks import label_noise
from finesweep.dataset.checks.label_noise import find_label_noise, rank_suspects, suspected_classes


def test_flipped_labels_are_found_and_nothing_else() -> None:
    rows = clean(150)
    for split, place in (("train", 7), ("train", 100), ("test", 42)):
        text, label = rows[split][place]
        rows[split][place] = (text, 1 - label)
    (finding,) = find_label_noise(splits_of(rows))
    assert sorted(finding.rows) == [("test", 43), ("train", 8), ("train", 101)]
    assert finding.severity == "note"
    assert "3 rows (0.7 %)" in finding.message


def test_the_same_data_is_sampled_the_same_way_and_the_message_says_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(label_noise, "MAX_ROWS", 300)
    rows = clean(150)
    flipped = range(90)
    for place in flipped:
        text, label = rows["train"][place]
        rows["train"][place] = (text, 1 - label)
    (finding,) = find_label_noise(splits_of(rows))
    assert find_label_noise(splits_of(rows)) == [finding]
    assert "in a sample of 300 of 450 rows" in finding.message
    assert set(finding.rows) <= {("train", place + 1) for place in flipped}


def test_no_more_rows_are_reported_than_the_maximum(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(label_noise, "MAX_REPORTED", 0.005)
    rows = clean(150)
    rows["test"][:20] = [(text, 1 - label) for text, label in rows["test"][:20]]
    (finding,) = find_label_noise(splits_of(rows))
    assert len(finding.rows) == 2


def test_the_most_suspect_row_comes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(label_noise, "MAX_REPORTED", 1.0)
    first = np.array([0.99] * 8 + [0.02, 0.01] + [0.05] * 10)
    labels = np.repeat([0, 1], 10)
    assert rank_suspects(np.stack([first, 1 - first], axis=1), labels).tolist() == [9, 8]


def test_a_row_is_suspect_when_another_class_reaches_its_mean_probability() -> None:
    labels = np.array([0, 0, 0, 1, 1, 1])
    first = np.array([0.9, 0.8, 0.3, 0.2, 0.1, 0.45])
    # Usual for class 0 is 0.67, for class 1 it is 0.75: 0.7 for the third row is not enough.
    assert suspected_classes(np.stack([first, 1 - first], axis=1), labels).tolist() == [
        0,
        0,
        0,
        1,
        1,
        1,
    ]
    first[2] = 0.2
    assert suspected_classes(np.stack([first, 1 - first], axis=1), labels).tolist() == [
        0,
        0,
        1,
        1,
        1,
        1,
    ]


def test_classes_too_small_and_texts_without_a_common_word_are_left_out() -> None:
    assert find_label_noise(splits_of(clean(4))) == []
    rows = {split: [(f"{split}{n}", n % 2) for n in range(60)] for split in clean()}
    assert find_label_noise(splits_of(rows)) == []
