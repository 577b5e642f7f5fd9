"""A service of pairs takes them from files and explains both texts."""

from __future__ import annotations

import os
import time
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from finesweep.errors import ConfigError
from finesweep.pairs import MARK, PAIR, join_pair
from finesweep.prediction.attribution import attribute
from finesweep.serving.service import DAY, N_PREVIEWED, Service

N = 2 * N_PREVIEWED


def test_a_table_is_answered_from_its_two_columns(pairs: Service, tmp_path: Path) -> None:
    rows = pd.DataFrame({"pair": ["great"] * N, "id": range(N), "text": ["a day", ""] * (N // 2)})
    rows.to_csv(tmp_path / "in.csv", index=False)
    made = pairs.predict_file(tmp_path / "in.csv")
    (wanted,) = pairs.classifier.predict([join_pair("a day", "great")])
    answered = pd.read_csv(made.output)
    assert (made.n_rows, len(made.preview)) == (N, N_PREVIEWED)
    assert answered["id"].tolist() == list(range(N))
    assert answered["prediction"].tolist() == [wanted.answer, "UNCERTAIN"] * (N // 2)
    assert answered["probability/good"][0] == pytest.approx(wanted.probabilities["good"])


def test_lines_are_answered_from_both_sides_of_their_tabs(pairs: Service, tmp_path: Path) -> None:
    (tmp_path / "in.txt").write_text("a day\tgreat\nit was\tawful\n", encoding="utf-8")
    answered = pd.read_csv(pairs.predict_file(tmp_path / "in.txt").output)
    assert answered[["text", "pair"]].to_numpy().tolist() == [
        ["a day", "great"],
        ["it was", "awful"],
    ]
    wanted = pairs.classifier.predict([join_pair("a day", "great"), join_pair("it was", "awful")])
    assert answered["prediction"].tolist() == [each.answer for each in wanted]


@pytest.mark.parametrize(
    ("name", "held", "told"),
    [
        ("in.csv", "text,second\na,b\n", r"^the file: .* no column 'pair' for the second; "),
        ("in.csv", "pair\na\n", r"^the file: .* column 'pair' is already the first text;"),
        ("in.csv", f"text,pair\na,b{MARK}\n", rf"^column 'pair': contains '{MARK}' in 'b{MARK}'"),
        ("in.txt", "a\tb\nc d\n", r"^the file: .* separated by one tab; 'c d' has 0 tabs$"),
    ],
)
def test_a_file_without_pairs_is_a_mistake(
    pairs: Service, tmp_path: Path, name: str, held: str, told: str
) -> None:
    (tmp_path / name).write_text(held, encoding="utf-8")
    with pytest.raises(ConfigError, match=told):
        pairs.predict_file(tmp_path / name)


def test_single_texts_are_lines_whatever_tabs_they_hold(texts: Service, tmp_path: Path) -> None:
    (tmp_path / "in.txt").write_text("a\tb\n", encoding="utf-8")
    made = texts.predict_file(tmp_path / "in.txt")
    assert (made.n_rows, pd.read_csv(made.output)["text"].tolist()) == (1, ["a\tb"])
    assert made.notes == ()


def test_what_was_found_and_left_out_of_a_file_is_kept_with_its_answers(
    texts: Service, tmp_path: Path
) -> None:
    held = '\ufefftext;id\r\n"a; lovely\r\nday";1\r\n\r\nit was awful;2\r\nplain\r\n'
    (tmp_path / "in.csv").write_text(held, encoding="utf-8", newline="")
    made = texts.predict_file(tmp_path / "in.csv")
    answered = pd.read_csv(made.output)
    assert answered["text"].tolist() == ["a; lovely\r\nday", "it was awful", "plain"]
    assert made.n_rows == 3
    assert made.notes == (
        "in.csv: separated by a semicolon; dataset.separator sets it",
        "in.csv: 1 blank line left out",
        "in.csv: 1 row with fewer fields than the first (row 3, line 6)",
    )


def test_an_answer_to_a_pair_rests_on_words_of_both_texts(pairs: Service) -> None:
    prediction, spans = pairs.explain(join_pair("a lovely", "day"))
    (wanted,) = pairs.classifier.predict([join_pair("a lovely", "day")])
    assert prediction == wanted
    assert [part for part, score in spans if score is not None] == ["a", "lovely", "day"]
    assert (PAIR, None) in spans


def test_an_answer_of_several_labels_is_explained_by_its_likeliest(several: Service) -> None:
    prediction, spans = several.explain("a lovely day")
    likeliest = max(prediction.probabilities, key=lambda name: prediction.probabilities[name])
    assert spans == attribute(several.classifier, "a lovely day", likeliest)
    assert prediction.label == "bad, good"


def test_predictions_are_kept_for_a_day_and_nothing_of_a_refused_file(
    texts: Service, tmp_path: Path
) -> None:
    service = replace(texts, folder=tmp_path / "served")
    for name, content in (("in.txt", "a day\n"), ("broken.csv", "id,other\n1,2\n")):
        (tmp_path / name).write_text(content, encoding="utf-8")
    outputs = [service.predict_file(tmp_path / "in.txt").output for _ in range(2)]
    with pytest.raises(ConfigError, match="no column 'text'"):
        service.predict_file(tmp_path / "broken.csv")
    assert {path.parent for path in outputs} == set(service.folder.iterdir())
    os.utime(outputs[0].parent, times=(0, time.time() - DAY - 60))
    newest = service.predict_file(tmp_path / "in.txt").output
    assert {outputs[1].parent, newest.parent} == set(service.folder.iterdir())
    assert newest.name == "classify.csv"
