"""Texts are cleaned, labels renamed and groups kept together, if configured."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from finesweep.config.schema import DatasetConfig
from finesweep.dataset import load_dataset, prepare
from finesweep.dataset.text_cleaners import clean_texts
from finesweep.errors import ConfigError

STARS = [(f"text {number}", 1 + number % 5) for number in range(50)]


def config(path: Path, rows: list[tuple[Any, ...]], **fields: Any) -> DatasetConfig:
    columns = ["text", "label", "film"][: len(rows[0])]
    pd.DataFrame(rows, columns=columns).to_csv(path, index=False)
    return DatasetConfig(name="x", path=str(path), **fields)


@pytest.mark.parametrize(
    ("step", "text", "wanted"),
    [
        ("html", "one<br /><br />two &amp; &lt;3, I <3 you", "one  two & <3, I <3 you"),
        ("encoding", "schÃ¶n â€” fine", "schön — fine"),
        ("whitespace", "  a\t\tb\n c ", "a b c"),
    ],
)
def test_each_cleaning_step_does_only_its_own(step: str, text: str, wanted: str) -> None:
    assert clean_texts([text], [step]) == [wanted]
    assert clean_texts([text], []) == [text]


def test_steps_follow_one_another_and_what_they_empty_is_missing(tmp_path: Path) -> None:
    rows = [*STARS, ("<p> so  so</p>", 3), ("<br />", 2)]
    steps = ["html", "whitespace"]
    asked = config(tmp_path / "a.csv", rows, clean=steps, missing="drop")
    splits = prepare(asked)
    texts = {text for frame in splits.frames.values() for text in frame["text"]}
    assert "so so" in texts
    assert splits.notes[0] == "1 row of train with missing text dropped"


def test_an_unknown_step_is_a_mistake_with_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(
        ConfigError, match=r"dataset\.clean: unknown cleaning step 'htlm'; .*'html'"
    ):
        load_dataset(config(tmp_path / "a.csv", STARS, clean=["htlm"]))


def test_labels_are_renamed_and_null_drops_their_rows(tmp_path: Path) -> None:
    stars = {1: "bad", 2: "bad", 3: None, "4": "good", 5: "good"}
    dataset = load_dataset(config(tmp_path / "a.csv", STARS, label_map=stars))
    assert dataset.label_names == ("bad", "good")
    assert dataset.notes[0] == "10 rows of train dropped by dataset.label_map"
    assert len(dataset.train) + len(dataset.validation) + len(dataset.test) == 40
    stars = dict(STARS)
    rows = zip(dataset.train["text"], dataset.train["label"], strict=True)
    assert all((stars[text] > 3) == bool(label) for text, label in rows)


def test_a_label_that_the_map_lacks_is_a_mistake(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"dataset\.label_map: has no entry for 4, 5"):
        load_dataset(config(tmp_path / "a.csv", STARS, label_map={1: "a", 2: "b", 3: "b"}))


def test_a_map_tells_codes_apart_and_numbers_together(tmp_path: Path) -> None:
    codes = [(text, ("007", "7", "1.10", "1.1")[stars % 4]) for text, stars in STARS]
    mapping = {"007": "bond", 7: "seven", "1.10": "ten", "1.1": "one"}
    names = {"007": "bond", "7": "seven", "1.10": "ten", "1.1": "one"}
    splits = prepare(config(tmp_path / "a.csv", codes, label_map=mapping))
    found = {
        text: splits.label_names[label]
        for frame in splits.frames.values()
        for text, label in zip(frame["text"], frame["label"], strict=True)
    }
    assert found == {text: names[code] for text, code in codes}
    floats = [(text, float(stars)) for text, stars in STARS]
    stars = {1: "low", "2": "low", "3.0": "high", 4.0: "high", 5: "high"}
    made = prepare(config(tmp_path / "b.csv", floats, label_map=stars))
    assert made.label_names == ("high", "low")


def test_a_map_with_two_names_for_one_label_is_refused(tmp_path: Path) -> None:
    mapping = {1: "a", "1.0": "b", 2: "b", 3: "b", 4: "b", 5: "b"}
    with pytest.raises(ConfigError, match=r"label_map: maps 1 to both 'a' and 'b'"):
        prepare(config(tmp_path / "a.csv", STARS, label_map=mapping))


@pytest.mark.parametrize("true", ["True", "TRUE", "true"])
def test_yaml_true_is_the_label_true_in_any_capitals(tmp_path: Path, true: str) -> None:
    rows = [(text, true if stars > 3 else "no") for text, stars in STARS]
    made = prepare(config(tmp_path / "a.csv", rows, label_map={True: "good", "no": "bad"}))
    assert made.label_names == ("bad", "good")


def test_words_for_nothing_are_texts_and_labels(tmp_path: Path) -> None:
    words = ["NA", "null", "None", "nan", "NaN", "N/A", "#N/A", "<NA>", "n/a", "NULL"]
    rows = [
        (f"{word} {k}" if k else word, words[(k + n) % 10])
        for n, word in enumerate(words)
        for k in range(10)
    ]
    for name in ("a.csv", "a.jsonl", "a.parquet"):
        path, table = tmp_path / name, pd.DataFrame(rows, columns=["text", "label"])
        if name == "a.csv":
            table.to_csv(path, index=False)
        elif name == "a.jsonl":
            table.to_json(path, orient="records", lines=True)
        else:
            table.to_parquet(path)
        splits = prepare(DatasetConfig(name="x", path=str(path)))
        assert splits.label_names == tuple(sorted(words))
        assert {text for f in splits.frames.values() for text in f["text"]} == {r[0] for r in rows}
        assert not any("missing" in note for note in splits.notes)


def test_rows_of_a_group_and_duplicates_stay_within_one_split(tmp_path: Path) -> None:
    rows = [(f"text {n}", "ab"[n % 2], f"film {n // 4}") for n in range(400)]
    rows += [("the same words", "a", f"film {n}") for n in (3, 50, 97)]
    splits = prepare(config(tmp_path / "a.csv", rows, group_column="film"))
    films = [set(frame["group"]) for frame in splits.frames.values()]
    texts = [set(frame["text"]) for frame in splits.frames.values()]
    assert sum(map(len, films)) == len(set.union(*films)) == 100
    assert sum(map(len, texts)) == len(set.union(*texts)) == 401
    for name in ("validation", "test"):
        frame = splits.frames[name]
        assert 30 <= len(frame) <= 50
        assert 0.35 <= frame["label"].mean() <= 0.65


@pytest.mark.parametrize("seed", range(4))
def test_train_keeps_every_class_that_only_one_group_has(tmp_path: Path, seed: int) -> None:
    rows = [(f"text {n}", "ab"[n % 2], f"film {n // 4}") for n in range(120)]
    rows += [(f"other {n}", "c", "one film") for n in range(12)]
    splits = prepare(config(tmp_path / "a.csv", rows, group_column="film", seed=seed))
    assert (splits.frames["train"]["label"] == 2).sum() == 12


def test_groups_that_leave_no_class_whole_are_a_mistake(tmp_path: Path) -> None:
    rows = [(f"text {n}", "abc"[n % 3], f"film {n % 3}") for n in range(60)]
    sizes = {"validation_size": 20, "test_size": 20, "group_column": "film"}
    with pytest.raises(ConfigError, match=r"group_column: its groups leave no rows of class '"):
        prepare(config(tmp_path / "a.csv", rows, **sizes))


def test_rows_without_a_group_share_none(tmp_path: Path) -> None:
    rows = [(f"text {n}", "ab"[n % 2], f"film {n}" if n < 50 else None) for n in range(60)]
    for split, part in {
        "train": rows[:30],
        "dev": rows[30:45],
        "test": rows[1:2] + rows[46:],
    }.items():
        config(tmp_path / f"{split}.csv", part)
    dataset = load_dataset(DatasetConfig(name="x", path=str(tmp_path), group_column="film"))
    assert [note for note in dataset.notes if "group" in note] == [
        "1 group of test is also in train"
    ]


def test_too_few_groups_are_a_mistake(tmp_path: Path) -> None:
    rows = [(f"text {n}", "ab"[n % 2], f"film {n % 3}") for n in range(60)]
    with pytest.raises(ConfigError, match=r"dataset\.group_column: 3 groups .* split 10 ways"):
        prepare(config(tmp_path / "a.csv", rows, group_column="film"))
