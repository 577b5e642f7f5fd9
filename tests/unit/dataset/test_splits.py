"""Carving and sampling: exact sizes, proportional classes, no text in two splits."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from finesweep.dataset.splits import Frames, carve_missing, subsample
from finesweep.dataset.stratify import allocate, draw_texts, sample_rows
from finesweep.errors import ConfigError

NAMES = ("a", "b", "c")


def numbered(labels: list[int], texts: list[str] | None = None) -> pd.DataFrame:
    frame = pd.DataFrame({"text": texts or [f"t{row}" for row in range(len(labels))]})
    return frame.assign(label=labels)


def carved(
    train: pd.DataFrame, test: float | None = None, validation: float | None = None, seed: int = 0
) -> Frames:
    sizes = {"train": None, "validation": validation, "test": test}
    frames, _ = carve_missing({"train": train}, sizes=sizes, label_names=NAMES, seed=seed)  # type: ignore[arg-type]
    return frames


@st.composite
def trains(draw: st.DrawFn) -> pd.DataFrame:
    """Three classes of at least four texts each, some of them copied up to five times."""
    labels, texts = [], []
    for label in range(3):
        for number in range(draw(st.integers(4, 30))):
            copies = draw(st.sampled_from([1, 1, 1, 1, 2, 5]))
            labels += [label] * copies
            texts += [f"{label}-{number}"] * copies
    order = np.random.default_rng(draw(st.integers(0, 9))).permutation(len(labels))
    return numbered([labels[i] for i in order], [texts[i] for i in order])


@settings(max_examples=60, deadline=None)
@given(train=trains(), seed=st.integers(0, 2**32), test=st.integers(1, 8))
def test_no_text_is_in_two_splits_and_sizes_are_exact(
    train: pd.DataFrame, seed: int, test: int
) -> None:
    frames = carved(train, test=test, seed=seed)
    assert len(frames["test"]) == test
    assert len(frames["validation"]) == max(1, round(len(train) * 0.1))
    texts = {split: set(frame["text"]) for split, frame in frames.items()}
    assert not texts["train"] & texts["test"]
    assert not texts["train"] & texts["validation"]
    assert not texts["validation"] & texts["test"]
    assert set(frames["train"]["label"]) == {0, 1, 2}


@settings(max_examples=30, deadline=None)
@given(train=trains(), seed=st.integers(0, 2**32))
def test_the_same_seed_gives_the_same_splits(train: pd.DataFrame, seed: int) -> None:
    first, second = carved(train, seed=seed), carved(train, seed=seed)
    for split, frame in first.items():
        pd.testing.assert_frame_equal(frame, second[split])


def test_another_seed_gives_other_splits() -> None:
    train = numbered([0, 1] * 50)
    assert (
        carved(train, seed=0)["test"].index.tolist() != carved(train, seed=1)["test"].index.tolist()
    )


def test_no_row_is_lost_if_texts_are_unique() -> None:
    train = numbered([0, 1, 2] * 40)
    frames = carved(train, test=0.25, validation=10)
    assert {split: len(frame) for split, frame in frames.items()} == {
        "train": 80,
        "test": 30,
        "validation": 10,
    }
    pd.testing.assert_frame_equal(pd.concat(frames.values()).sort_index(), train)


def test_carved_classes_are_proportional_and_the_rarest_stays_everywhere() -> None:
    frames = carved(numbered([0] * 700 + [1] * 297 + [2] * 3))
    assert frames["test"]["label"].value_counts().to_dict() == {0: 70, 1: 29, 2: 1}
    assert frames["validation"]["label"].value_counts().to_dict() == {0: 70, 1: 29, 2: 1}
    assert frames["train"]["label"].value_counts().to_dict() == {0: 560, 1: 239, 2: 1}


def test_a_tenth_is_of_the_original_train() -> None:
    frames = carved(numbered([0, 1] * 500))
    assert [len(frames[split]) for split in ("train", "validation", "test")] == [800, 100, 100]


def test_the_validation_size_leaves_the_test_rows_alone() -> None:
    train = numbered([0, 1] * 50)
    first, second = carved(train, validation=5), carved(train, validation=30)
    assert first["test"].index.tolist() == second["test"].index.tolist()


def test_an_official_test_split_is_not_touched() -> None:
    official = numbered([1, 0], ["t0", "t0"])
    frames = {"train": numbered([0, 1] * 50), "test": official}
    sizes = {"train": None, "validation": 10, "test": None}
    split, notes = carve_missing(frames, sizes=sizes, label_names=NAMES, seed=0)  # type: ignore[arg-type]
    assert split["test"] is official
    assert notes == ["validation carved from train: 10 rows"]


def test_copies_that_cannot_add_up_to_the_size_are_dropped_and_counted() -> None:
    train = numbered([0] * 20 + [1] * 20, [f"t{row // 2}" for row in range(40)])
    sizes = {"train": None, "validation": 3, "test": 5}
    frames, notes = carve_missing({"train": train}, sizes=sizes, label_names=NAMES, seed=0)  # type: ignore[arg-type]
    assert [len(frames[split]) for split in ("test", "validation", "train")] == [5, 3, 30]
    assert notes == [
        "test carved from train: 5 rows",
        "validation carved from train: 3 rows",
        "20 rows are exact duplicates; each text stays within one split",
        "2 surplus duplicates dropped, to carve the exact size",
    ]


@pytest.mark.parametrize(
    ("labels", "test", "message"),
    [
        ([0, 1, 1, 1, 1], 1, r"class 'a' has too few distinct texts \(1\): 3 are needed"),
        (
            [0, 1] * 5,
            20,
            r"dataset.test_size: 20 rows of test and 1 row of validation leave no rows",
        ),
        ([0, 1] * 5, 8, r"dataset.test_size: 8 rows cannot be carved from the 10 of train"),
    ],
)
def test_a_train_too_small_to_carve_is_refused(labels: list[int], test: int, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        carved(numbered(labels), test=test)


@settings(max_examples=100, deadline=None)
@given(counts=st.lists(st.integers(0, 500), min_size=2, max_size=8), share=st.floats(0.001, 1))
def test_largest_remainders_add_up_and_stay_within_one_row(counts: list[int], share: float) -> None:
    total = np.array(counts)
    if not total.sum():
        return
    size = max(1, round(share * total.sum()))
    rows = allocate(total, size)
    assert rows.sum() == size
    assert (rows <= total).all()
    if size >= (total > 0).sum():
        assert (rows[total > 0] >= 1).all()
    exact = total * size / total.sum()
    if (exact[total > 0] >= 1).all():
        assert (np.abs(rows - exact) < 1).all()


def test_a_larger_sample_contains_the_smaller() -> None:
    labels = np.array([0, 1, 1] * 100)
    small, large = (sample_rows(labels, size, rng=np.random.default_rng(3)) for size in (30, 150))
    assert np.bincount(labels[small]).tolist() == [10, 20]
    assert set(small) < set(large)


@settings(max_examples=100, deadline=None)
@given(
    copies=st.lists(st.lists(st.integers(1, 6), min_size=3, max_size=6), min_size=2, max_size=4),
    size=st.integers(1, 40),
    n_reserved=st.integers(1, 2),
)
def test_reserved_texts_of_each_class_stay(
    copies: list[list[int]], size: int, n_reserved: int
) -> None:
    labels = np.repeat(np.arange(len(copies)), [len(texts) for texts in copies])
    n_copies = np.concatenate([np.array(texts) for texts in copies])
    rng = np.random.default_rng(size)
    try:
        taken = draw_texts(labels, n_copies, size, n_reserved=n_reserved, rng=rng)
    except ValueError:
        # Even the texts with fewest copies, all spare ones taken, may not reach the size.
        assert size > sum(sum(sorted(texts)[:-n_reserved]) for texts in copies)
        return
    assert taken.sum() == size
    assert (taken <= n_copies).all()
    assert (np.bincount(labels[taken == 0], minlength=len(copies)) >= n_reserved).all()
    assert ((taken > 0) & (taken < n_copies)).sum() <= 1


def test_the_text_with_fewest_copies_is_the_one_taken_in_part() -> None:
    labels, n_copies = np.zeros(3, dtype=int), np.array([4, 2, 3])
    taken = draw_texts(labels, n_copies, 1, n_reserved=1, rng=np.random.default_rng(0))
    assert taken.tolist() == [0, 1, 0]


def test_more_rows_than_there_are_cannot_be_allocated() -> None:
    with pytest.raises(ValueError, match=r"6 rows of 5"):
        allocate(np.array([2, 3]), 6)


def test_another_seed_samples_other_rows() -> None:
    frames: Frames = {"train": numbered([0, 1] * 50)}
    first, second = (subsample(frames, sizes={"train": 20}, seed=seed)[0] for seed in (0, 1))
    assert first["train"].index.tolist() != second["train"].index.tolist()


def test_subsampled_splits_have_the_configured_size_and_keep_the_order() -> None:
    frames: Frames = {"train": numbered([0, 1, 1, 1] * 25), "test": numbered([0, 1] * 10)}
    sized, notes = subsample(frames, sizes={"train": 20, "test": 0.5}, seed=0)
    assert sized["train"]["label"].value_counts().to_dict() == {1: 15, 0: 5}
    assert sized["train"].index.is_monotonic_increasing
    assert len(sized["test"]) == 10
    assert notes == ["train cut to 20 of its 100 rows", "test cut to 10 of its 20 rows"]


def test_sizes_larger_than_their_splits_say_how_many_rows_there_are() -> None:
    frames: Frames = {"train": numbered([0, 1] * 5), "test": numbered([0, 1])}
    with pytest.raises(ConfigError, match=r"2 problems") as caught:
        subsample(frames, sizes={"train": 5000, "test": 3}, seed=0)
    assert "dataset.train_size: 5,000 rows of train, which has 10" in str(caught.value)
    assert "dataset.test_size: 3 rows of test, which has 2" in str(caught.value)
