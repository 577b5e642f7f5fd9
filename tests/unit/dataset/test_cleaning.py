"""Texts are cleaned, labels renamed and groups kept together, when the config asks for it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from finesweep.config.schema import DatasetConfig
from finesweep.dataset import load_dataset, prepare
from finesweep.dataset.cleaners import cleaned
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
def test_each_step_does_what_it_says_and_no_more(step: str, text: str, wanted: str) -> None:
    assert cleaned([text], [step]) == [wanted]
    assert cleaned([text], []) == [text]


def test_steps_follow_one_another_and_what_they_empty_is_missing(tmp_path: Path) -> None:
    rows = [*STARS, ("<p> so  so</p>", 3), ("<br />", 2)]
    steps = ["html", "whitespace"]
    asked = config(tmp_path / "a.csv", rows, clean=steps, missing="drop")
    splits = prepare(asked)
    texts = {text for frame in splits.frames.values() for text in frame["text"]}
    assert "so so" in texts
    assert splits.notes[0] == "1 row of train with missing text dropped"


def test_an_unknown_step_is_a_mistake_with_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"dataset\.clean: 'htlm' is no cleaning; .*'html'"):
        load_dataset(config(tmp_path / "a.csv", STARS, clean=["htlm"]))


def test_labels_are_renamed_and_null_drops_their_rows(tmp_path: Path) -> None:
    stars = {1: "bad", 2: "bad", 3: None, "4": "good", 5: "good"}
    dataset = load_dataset(config(tmp_path / "a.csv", STARS, label_map=stars))
    assert dataset.label_names == ("bad", "good")
    assert dataset.notes[0] == "10 rows of train dropped by dataset.label_map"
    assert len(dataset.train) + len(dataset.validation) + len(dataset.test) == 40
    told = dict(STARS)
    rows = zip(dataset.train["text"], dataset.train["label"], strict=True)
    assert all((told[text] > 3) == bool(label) for text, label in rows)


def test_a_label_that_the_map_lacks_is_a_mistake(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"dataset\.label_map: does not say what 4, 5 is"):
        load_dataset(config(tmp_path / "a.csv", STARS, label_map={1: "a", 2: "b", 3: "b"}))


def test_rows_of_a_group_and_copies_of_a_text_stay_within_one_split(tmp_path: Path) -> None:
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


def test_too_few_groups_are_a_mistake(tmp_path: Path) -> None:
    rows = [(f"text {n}", "ab"[n % 2], f"film {n % 3}") for n in range(60)]
    with pytest.raises(ConfigError, match=r"dataset\.group_column: 3 groups .* split 10 ways"):
        prepare(config(tmp_path / "a.csv", rows, group_column="film"))
